"""Real speech for the benchmarks: the recordings in ../shared/data, strung together with their scripts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

SHARED = Path(__file__).parents[3] / "shared" / "data" / "speech"
RATE = 16_000
GAP = 0.4  # s of near-silence between recordings


def recordings() -> list[tuple[np.ndarray, str]]:
    """(samples at RATE, script) of every recording at hand; empty where the folder is absent."""
    found = []
    table = SHARED / "ljspeech" / "metadata.csv"
    if table.is_file():
        for line in table.read_text(encoding="utf-8").splitlines():
            name, _, text = line.split("|")
            found.append((_read(SHARED / "ljspeech" / f"{name}.wav"), text))
    for path in sorted((SHARED / "librivox").glob("*.wav")):
        found.append((_read(path), path.with_suffix(".txt").read_text(encoding="utf-8").strip()))
    return found


def strung(folder: Path, duration: float) -> tuple[Path, Path, float]:
    """A voice of at least ``duration`` seconds and its script: (wav, script file, seconds)."""
    parts, scripts, total = [], [], 0.0
    noise = np.random.default_rng(0)
    source = recordings()
    index = 0
    while total < duration:
        samples, script = source[index % len(source)]
        gap = noise.normal(0, 1e-4, round(GAP * RATE)).astype(np.float32)
        parts += [samples, gap]
        scripts.append(script)
        total += (len(samples) + len(gap)) / RATE
        index += 1
    voice, text = folder / f"voice_{duration:.0f}.wav", folder / f"voice_{duration:.0f}.txt"
    soundfile.write(voice, np.concatenate(parts), RATE)
    text.write_text("\n".join(scripts), encoding="utf-8")
    return voice, text, total


def _read(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="float32")
    return np.asarray(soxr.resample(samples, rate, RATE), dtype=np.float32)
