"""A generator that does on request what plugins should not do. The engine must outlive all of it."""

import ctypes
import os
import subprocess
import sys
import time

import numpy as np

from declaim.core.clip import BodyRef, MotionClip
from declaim.plugins.contracts import frame_count


class Trouble:
    def load(self, device):
        pass

    def generate(self, speech, briefs, report):
        parameters = briefs[0].parameters
        report.stage("Looking for trouble")
        getattr(self, parameters["act"])(report, parameters["note"])
        return [self._take(speech, brief) for brief in briefs]

    def well(self, report, note):
        pass

    def slow(self, report, note):
        for step in range(600):
            report.stage("Taking its time", step / 600)
            time.sleep(0.05)

    def print(self, report, note):
        """Native code that writes to standard output, without an end to the line."""
        os.write(1, b'{"job": "0", "event": "done"}\nno end')
        print("and Python too", flush=True)
        report.warn("Something was printed.")

    def out_of_memory(self, report, note):
        raise MemoryError

    def exit(self, report, note):
        sys.exit("I am leaving")

    def hang(self, report, note):
        report.stage("Hanging")
        time.sleep(600)

    def hang_native(self, report, note):
        """Holds the interpreter's lock: no other thread of this process runs any more."""
        report.stage("Hanging in native code")
        library = ctypes.PyDLL("kernel32" if os.name == "nt" else None)
        library.Sleep(600_000) if os.name == "nt" else library.sleep(600)

    def abort(self, report, note):
        report.stage("Aborting")
        os.abort()

    def vanish(self, report, note):
        report.stage("Vanishing")
        os._exit(0)

    def offspring(self, report, note):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(note, "w", encoding="ascii") as file:
            file.write(str(child.pid))
        self.hang(report, note)

    def _take(self, speech, brief):
        frames = frame_count(speech.duration, brief.fps)
        body = BodyRef(id=brief.body.id, sha256=brief.body.sha256)
        clip = MotionClip.still(frames=frames, fps=brief.fps, body=body, betas=brief.betas)
        noise = 0.1 * np.random.Generator(np.random.PCG64(brief.seed)).random(clip.poses.shape)
        return clip.replace(poses=noise)

    def close(self):
        pass


def _raise(self, report, note):
    raise ValueError("the moon is not full")


setattr(Trouble, "raise", _raise)
