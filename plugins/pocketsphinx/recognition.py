"""English without a script: PocketSphinx's words with the chance that each is right."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence

import numpy as np

from ...core.report import Report
from ...core.speech import HOP, SAMPLE_RATE
from .decoder import Array, Decoder, WordSpan, plain_name

SURE = 0.7  # words under it are marked unsure: of the sure ones of a clean reader 87 % are right, of the unsure 52 %
_LONGEST, _SHORTEST = 2500, 800  # frames of a piece: the search keeps a lattice of it
_HOP = round(HOP * SAMPLE_RATE)
# Weights of the logistic below, by tests/bench/fit_confidence.py.
_BIAS = 3.431
_WEIGHTS = (0.556, 0.258, 0.032, -0.051, 2.482, 0.237, -1.163)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recognised:
    """A recognised word."""

    span: WordSpan
    confidence: float
    measured: tuple[float, ...]  # what the confidence is made from


class Recogniser:
    """PocketSphinx with its language model."""

    def __init__(self) -> None:
        import pocketsphinx

        # Its own features here: the language model's search misses one word in ten more with ours. The two limits halve
        # the search and cost nothing on the ten read sentences (23 % of words wrong with and without).
        self._engine = pocketsphinx.Decoder(maxhmmpf=3000, maxwpf=20, loglevel="FATAL")

    def recognise(self, samples: Array, features: Array, aligner: Decoder, report: Report) -> list[Recognised]:
        """The words in ``samples``; ``aligner`` places them in ``features``, so that both ways give the same times."""
        found: list[Recognised] = []
        for begin, end in _pieces(features):
            report.stage("Recognising the words", begin / len(features))
            heard = self._listen(samples[begin * _HOP : end * _HOP])
            spans = aligner.place(features[begin:end], [((name,),) for name, _ in heard]) if heard else None
            if spans and len(spans) == len(heard):
                measured = measures(spans, [posterior for _, posterior in heard])
                found += [
                    Recognised(span=span.moved(begin), confidence=confidence(values), measured=values)
                    for span, values in zip(spans, measured, strict=True)
                ]
        return found

    def _listen(self, samples: Array) -> list[tuple[str, float]]:
        """Each word with its posterior in the lattice."""
        data = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
        self._engine.reinit_feat()  # the noise that it heard in the last line must not change this one
        try:
            self._engine.start_utt()
            try:
                self._engine.process_raw(data, full_utt=True)
            finally:
                self._engine.end_utt()
        except RuntimeError:
            return []
        words = ((plain_name(segment.word), float(segment.prob)) for segment in self._engine.seg() or ())
        return [word for word in words if word[0]]


def measures(spans: Sequence[WordSpan], posteriors: Sequence[float]) -> list[tuple[float, ...]]:
    """What tells right words from wrong ones, for each word of a piece: values about -2..2."""
    chance = [math.log(max(posterior, 1e-6)) for posterior in posteriors]
    everywhere = sum(span.score for span in spans) / len(spans)
    out: list[tuple[float, ...]] = []
    for i, span in enumerate(spans):
        around = [chance[k] for k in (i - 1, i + 1) if 0 <= k < len(spans)]
        worst = min(phone.score / max(1, phone.end - phone.start) for phone in span.phones)
        out.append(
            (
                chance[i],
                sum(around) / max(1, len(around)),
                span.score / 20.0,
                everywhere / 20.0,
                worst / 100.0,
                math.log(len(span.phones)),
                (span.end - span.start) / len(span.phones) / 10.0,
            )
        )
    return out


def confidence(measured: Sequence[float]) -> float:
    """The chance that a word is right, by a logistic over its measures."""
    total = _BIAS + sum(weight * value for weight, value in zip(_WEIGHTS, measured, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


def _pieces(features: Array) -> Iterator[tuple[int, int]]:
    """Frame ranges of at most 25 s, cut where the voice is quietest for longest."""
    loudness = np.convolve(np.pad(features[:, 0], 10, mode="edge"), np.full(21, 1.0 / 21.0), mode="valid")
    begin = 0
    while len(features) - begin > _LONGEST:
        cut = begin + _SHORTEST + int(np.argmin(loudness[begin + _SHORTEST : begin + _LONGEST]))
        yield begin, cut
        begin = cut
    if begin < len(features):
        yield begin, len(features)
