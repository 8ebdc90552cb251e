#!/usr/bin/env python3
"""Speak ``script.txt`` into ``voice.flac``: how the demo voice was made. Build time only; nothing else runs this.

    python assets/demo/make_voice.py      # needs the program flite (Debian: apt install flite) and soundfile

flite's voice cmu_us_slt, 8 % faster than it comes, peak at -3 dB. Licences: assets/LICENSES.md.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

HERE = Path(__file__).resolve().parent
VOICE = "slt"
STRETCH = 0.92  # of every duration
PEAK = 10 ** (-3 / 20)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "voice.wav"
        subprocess.run(
            ["flite", "-voice", VOICE, "--setf", f"duration_stretch={STRETCH}", "-f", HERE / "script.txt", "-o", spoken],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        samples, rate = soundfile.read(spoken)
    samples *= PEAK / np.abs(samples).max()
    soundfile.write(HERE / "voice.flac", samples, rate, subtype="PCM_16", compression_level=1.0)
    size = (HERE / "voice.flac").stat().st_size
    print(f"{HERE / 'voice.flac'}: {len(samples) / rate:.2f} s at {rate} Hz, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
