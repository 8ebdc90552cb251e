"""The smallest useful generator: the head nods with the loudness of the voice."""

import numpy as np

from declaim.core.clip import BodyRef, MotionClip
from declaim.core.skeleton import JOINT
from declaim.core.speech import HOP
from declaim.plugins.contracts import frame_count


class Bobbing:
    def load(self, device):
        pass  # weights would be read here, once

    def generate(self, speech, briefs, report):
        return [self._take(speech, brief, report) for brief in briefs]

    def _take(self, speech, brief, report):
        report.stage("Nodding")
        frames = frame_count(speech.duration, brief.fps)
        loudness = np.zeros(frames)
        if speech.energy is not None:
            seconds = np.arange(frames) / brief.fps
            level = np.interp(seconds, np.arange(len(speech.energy)) * HOP, speech.energy)  # dB
            loudness = np.clip((level + 50) / 40, 0, 1)
            width = max(1, round(0.2 * brief.fps))  # smooth over 0.2 s
            loudness = np.convolve(loudness, np.ones(width) / width, mode="same")
        body = BodyRef(id=brief.body.id, sha256=brief.body.sha256)
        still = MotionClip.still(frames=frames, fps=brief.fps, body=body, betas=brief.betas)
        poses = still.poses.copy()
        poses[:, JOINT["head"], 0] = np.radians(brief.parameters["depth"]) * loudness
        return still.replace(poses=poses)

    def close(self):
        pass
