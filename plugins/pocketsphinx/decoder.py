"""PocketSphinx itself: a word sequence placed in features, to words and phones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

SILENCE = "SIL"
_FEATURES = Path(__file__).with_name("feat.params")  # the model's own, less the mean and noise removal: features.py does them


@dataclasses.dataclass(frozen=True, kw_only=True)
class PhoneSpan:
    """A phone in frames of 10 ms."""

    symbol: str
    start: int
    end: int  # exclusive
    score: int  # log likelihood; only comparable with others of the same model


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


class Decoder:
    """One PocketSphinx decoder without a language model, for placing known words."""

    def __init__(self) -> None:
        import pocketsphinx

        # lw: the grammar's probabilities count once. bestpath: its lattice search shortens words below what the second
        # pass can place.
        self._engine = pocketsphinx.Decoder(
            lm=None, featparams=str(_FEATURES), lw=1.0, bestpath=False, loglevel="FATAL"
        )

    def knows(self, word: str) -> bool:
        return self._engine.lookup_word(word) is not None

    def pronunciation(self, word: str) -> str | None:
        found = self._engine.lookup_word(word)
        return None if found is None else str(found)

    def add(self, name: str, phones: str) -> None:
        """Add a word to the dictionary, ``phones`` in ARPAbet with spaces between; nothing where it is there already."""
        if not self.knows(name):
            self._engine.add_word(name, phones, False)

    def place(self, features: Array, names: Sequence[str]) -> list[WordSpan] | None:
        """Where each of ``names`` lies in ``features`` (frames, 13); None where the search found no way through."""
        arcs = [(i, i + 1, 1.0, name) for i, name in enumerate(names)]
        grammar = self._engine.create_fsg("line", 0, len(names), arcs)
        self._engine.add_fsg("line", grammar)
        self._engine.activate_search("line")
        data = features.astype("<f4").tobytes()
        try:
            self._pass(data)
            if self._engine.hyp() is None:
                return None
            self._engine.set_alignment()
            self._pass(data)
        except RuntimeError:
            return None
        return _spans(self._engine.get_alignment())

    def _pass(self, data: bytes) -> None:
        self._engine.start_utt()
        self._engine.process_cep(data, full_utt=True)
        self._engine.end_utt()


def _spans(alignment: Any) -> list[WordSpan]:
    found = []
    for word in alignment:
        name = word.name.split("(")[0]
        if not name or name[0] in "<[":
            continue
        phones = tuple(
            PhoneSpan(symbol=p.name, start=p.start, end=p.start + p.duration, score=p.score) for p in word
        )
        found.append(WordSpan(name=name, phones=phones))
    return found
