"""PocketSphinx itself: known words placed in features, to words and phones, and English recognised in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
Step = tuple[tuple[str, ...], ...]  # the ways to say one thing, each a row of dictionary entries

_FEATURES = Path(__file__).with_name(
    "feat.params"
)  # the model's own, less the mean and noise removal: features.py does them
_GARBAGE = "+%s+"  # a phone that is part of no word of the script
_STRANGE = 1e-4  # probability of each phone of speech that is in no script
_EACH_LEFT_OUT = 0.7  # and of each word of the script more that is left out at a time
_NARROW = {"beam": 1e-48, "pbeam": 1e-48, "wbeam": 7e-29}  # PocketSphinx's own: tolerant grammars are wide
_WIDE = {"beam": 1e-200, "pbeam": 1e-200, "wbeam": 1e-150}  # a row of words costs little, so nothing need be cut off


@dataclasses.dataclass(frozen=True, kw_only=True)
class PhoneSpan:
    """A phone in frames of 10 ms."""

    symbol: str
    start: int
    end: int  # exclusive
    score: int  # log likelihood against the best of the model's sounds: 0 at best


@dataclasses.dataclass(frozen=True, kw_only=True)
class WordSpan:
    """A spoken word in frames of 10 ms."""

    name: str  # the dictionary's entry, without the number of the pronunciation
    phones: tuple[PhoneSpan, ...]

    @property
    def start(self) -> int:
        return self.phones[0].start

    @property
    def end(self) -> int:
        return self.phones[-1].end

    @property
    def score(self) -> float:
        """The mean over the word's frames."""
        return sum(phone.score for phone in self.phones) / max(1, self.end - self.start)

    def moved(self, frames: int) -> WordSpan:
        phones = (dataclasses.replace(p, start=p.start + frames, end=p.end + frames) for p in self.phones)
        return dataclasses.replace(self, phones=tuple(phones))


class Decoder:
    """One PocketSphinx decoder without a language model, for placing known words."""

    def __init__(self, phones: Iterable[str]) -> None:
        """``phones``: the model's, of which speech outside the script is made up."""
        import pocketsphinx

        # lw: the grammar's probabilities count once. bestpath: its lattice search shortens words below what the second
        # pass can place.
        self._engine = pocketsphinx.Decoder(lm=None, featparams=str(_FEATURES), lw=1.0, bestpath=False, loglevel="FATAL")
        self._strange = [_GARBAGE % phone for phone in sorted(phones)]
        for phone in sorted((*phones, "SIL")):
            self.add(_GARBAGE % phone, phone)

    def knows(self, word: str) -> bool:
        return self._engine.lookup_word(word) is not None

    def pronunciation(self, word: str) -> str | None:
        found = self._engine.lookup_word(word)
        return None if found is None else str(found)

    def add(self, name: str, phones: str) -> None:
        """Add a word to the dictionary, ``phones`` in ARPAbet with spaces between; nothing where it is there already."""
        if not self.knows(name):
            self._engine.add_word(name, phones, False)

    def place(
        self, features: Array, steps: Sequence[Step], *, open_start: bool = False, open_end: bool = False
    ) -> list[WordSpan] | None:
        """Where the words of ``steps`` lie in ``features`` (frames, 13), or None where the search found no way through.

        ``open_start``: the features may begin before any of them; ``open_end``: they may end after any.
        """
        data = features.astype("<f4").tobytes()
        try:
            self._search(data, len(steps), _arcs(steps, open_start, open_end), _WIDE)
            if self._engine.hyp() is None:
                return None
            self._engine.set_alignment()
            self._pass(data)
            return _spans(self._engine.get_alignment())
        except RuntimeError:  # "Failed to stop utterance processing": no way through
            return None

    def pick_out(self, features: Array, steps: Sequence[Step], omission: float) -> list[tuple[str, int, int]]:
        """The words of ``steps`` that are said in ``features``, in order: entry, first frame, frame after the last.

        The voice may leave out any of them, at the probability ``omission`` a time, and say other things between. Empty
        where the search lost its way.
        """
        arcs = _arcs(steps, open_start=False, open_end=False)
        arcs += [
            (i, j, omission * _EACH_LEFT_OUT ** (j - i)) for i in range(len(steps)) for j in range(i + 1, len(steps) + 1)
        ]
        arcs += [(i, i, _STRANGE, phone) for i in range(len(steps) + 1) for phone in self._strange]
        try:
            self._search(features.astype("<f4").tobytes(), len(steps), arcs, _NARROW)
        except RuntimeError:
            return []
        if self._engine.hyp() is None:
            return []
        found = ((plain_name(s.word), s.start_frame, s.end_frame + 1) for s in self._engine.seg() or ())
        return [word for word in found if word[0]]

    def _search(self, data: bytes, final: int, arcs: list[tuple[Any, ...]], beams: Mapping[str, float]) -> None:
        for name, width in beams.items():
            self._engine.config[name] = width
        self._engine.add_fsg("line", self._engine.create_fsg("line", 0, final, arcs))
        self._engine.activate_search("line")
        self._pass(data)

    def _pass(self, data: bytes) -> None:
        self._engine.start_utt()
        try:
            self._engine.process_cep(data, full_utt=True)
        finally:
            self._engine.end_utt()


def _arcs(steps: Sequence[Step], open_start: bool, open_end: bool) -> list[tuple[Any, ...]]:
    """The grammar's transitions: node i lies before step i, those within a way are numbered after the last."""
    arcs: list[tuple[Any, ...]] = []
    spare = len(steps) + 1
    for i, step in enumerate(steps):
        for way in step:
            nodes = [i, *range(spare, spare + len(way) - 1), i + 1]
            spare += len(way) - 1
            arcs += [(nodes[k], nodes[k + 1], 1.0, entry) for k, entry in enumerate(way)]
        # Through a word of silence: the second pass stumbles over an empty arc.
        if open_start and i:
            arcs.append((0, i, 1.0, _GARBAGE % "SIL"))
        if open_end:
            arcs.append((i, len(steps), 1.0, _GARBAGE % "SIL"))
    return arcs


def _spans(alignment: Any) -> list[WordSpan]:
    found = []
    for word in alignment:
        if name := plain_name(word.name):
            phones = tuple(PhoneSpan(symbol=p.name, start=p.start, end=p.start + p.duration, score=p.score) for p in word)
            found.append(WordSpan(name=name, phones=phones))
    return found


def plain_name(name: str) -> str:
    """An entry without the number of its pronunciation; empty for silence, noise, empty arcs and phones outside a script."""
    if name[0] in "<[(+":
        return ""
    return name[: name.rindex("(")] if name.endswith(")") else name
