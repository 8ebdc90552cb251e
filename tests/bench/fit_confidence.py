"""Fits the confidence of PocketSphinx's free recognition, and tells how far to trust it.

Run it with the project's Python: .venv/bin/python tests/bench/fit_confidence.py

Every read sentence of ../shared/data/speech is recognised as it is, slower, faster and in noise; a word is right where the
sentence's own words, aligned to the recognised ones, have it. The weights of a logistic regression go into
plugins/pocketsphinx/recognition.py; the figures printed are of sentences left out of the fit in turn.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from declaim.core.report import SilentReport
from declaim.core.speech import SAMPLE_RATE
from declaim.inference.audio import read_audio, rms_normalised
from declaim.plugins.pocketsphinx import recognition
from declaim.plugins.pocketsphinx.decoder import Decoder
from declaim.plugins.pocketsphinx.features import cepstra
from declaim.plugins.pocketsphinx.pronunciation import PHONES

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "speech"
RIDGE = 1.0


def sentences() -> Iterator[tuple[NDArray[Any], list[str]]]:
    rows = (RECORDINGS / "ljspeech" / "metadata.csv").read_text(encoding="utf-8").splitlines()
    texts = {row.split("|")[0]: row.split("|")[2] for row in rows}
    for path in sorted(RECORDINGS.glob("*/*.wav")):
        text = texts.get(path.stem) or path.with_suffix(".txt").read_text(encoding="utf-8")
        yield rms_normalised(read_audio(path).samples)[0], re.sub(r"[^a-z' ]", " ", text.lower()).split()


def variants(samples: NDArray[Any], random: np.random.Generator) -> Iterator[tuple[str, NDArray[Any]]]:
    yield "clean", samples
    yield "fast", soxr.resample(samples, SAMPLE_RATE, SAMPLE_RATE * 0.925)
    yield "slow", soxr.resample(samples, SAMPLE_RATE, SAMPLE_RATE * 1.0875)
    for level in (20.0, 15.0, 10.0):
        spectrum = np.fft.rfft(random.standard_normal(len(samples)))
        noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0)), len(samples))
        noise *= np.sqrt(np.mean(samples**2) / np.mean(noise**2)) * 10 ** (-level / 20)
        yield f"noise at {level:g} dB", rms_normalised((samples + noise).astype(np.float32))[0]


def fitted(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Weights (columns + 1,), the bias first, by Newton's method on the ridge-penalised log likelihood."""
    x = np.column_stack([np.ones(len(x)), x])
    penalty = RIDGE * np.eye(x.shape[1])
    penalty[0, 0] = 0.0
    weights = np.zeros(x.shape[1])
    for _ in range(30):
        chance = 1.0 / (1.0 + np.exp(-x @ weights))
        hessian = (x.T * (chance * (1.0 - chance))) @ x + penalty
        weights = weights + np.linalg.solve(hessian, x.T @ (y - chance) - penalty @ weights)
    return np.asarray(weights)


def main() -> None:
    decoder, recogniser, random = Decoder(PHONES), recognition.Recogniser(), np.random.Generator(np.random.PCG64(0))
    measured: list[tuple[float, ...]] = []
    rows: list[tuple[int, str, bool]] = []
    for number, (samples, said) in enumerate(sentences()):
        for name, variant in variants(samples, random):
            words = recogniser.recognise(variant, cepstra(variant), decoder, SilentReport())
            matcher = difflib.SequenceMatcher(None, said, [word.span.name for word in words], autojunk=False)
            right = {b + k for _, b, size in matcher.get_matching_blocks() for k in range(size)}
            rows += [(number, name, i in right) for i in range(len(words))]
            measured += [word.measured for word in words]
    x, y = np.array(measured), np.array([row[2] for row in rows], float)
    group, name = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    chance = np.zeros(len(y))
    for number in np.unique(group):
        weights = fitted(x[group != number], y[group != number])
        chance[group == number] = 1.0 / (1.0 + np.exp(-(weights[0] + x[group == number] @ weights[1:])))
    for what, chosen in (("clean", name == "clean"), ("all", np.full(len(y), True))):
        sure = chosen & (chance >= recognition.SURE)
        unsure = chosen & ~sure
        print(
            f"{what}: {chosen.sum()} words, {y[chosen].mean():.0%} right; {sure.sum() / chosen.sum():.0%} marked sure, of "
            f"those {y[sure].mean():.0%} right; of the unsure {y[unsure].mean():.0%}"
        )
    for low in np.arange(0.0, 1.0, 0.2):
        inside = (chance >= low) & (chance < low + 0.2)
        print(
            f"confidence {low:.1f}-{low + 0.2:.1f}: {inside.sum():4d} words, {y[inside].mean() if inside.any() else 0:.0%} right"
        )
    weights = fitted(x, y)
    print(f"_BIAS = {weights[0]:.3f}\n_WEIGHTS = ({', '.join(f'{weight:.3f}' for weight in weights[1:])})")


if __name__ == "__main__":
    main()
