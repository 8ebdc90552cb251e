"""Speech whose word times are known: espeak-ng through ctypes, from the wheel espeakng-loader.

espeak-ng tells, with the samples, where each word and each phone begins. Its dictionary joins some words ("of the"):
only the first then has an event of its own: the second begins with its first phone.
"""

from __future__ import annotations

import ctypes
import dataclasses
import functools
import itertools
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SYNCHRONOUS_RETRIEVAL = 2  # espeak_AUDIO_OUTPUT
_PHONE_EVENTS, _IPA, _DONT_EXIT = 1, 2, 1 << 15  # espeak_Initialize's options
_WORD, _PHONE, _END = 1, 7, 0  # espeak_EVENT_TYPE
_UTF8 = 1
_RATE, _PITCH = 1, 3  # espeak_PARAMETER
_STOPS = "pbtdkɡgʔ"
_VOWELS = "aeiouæɐɑɒɔəɚɛɜɝɪɨʊʉʌy"


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("text", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # characters, from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpokenPhone:
    ipa: str
    start: float  # s


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpokenWord:
    """A word as espeak-ng spoke it. The closure of a stop belongs to the stop, so to the word that it begins."""

    text: str
    start: float  # s
    phones: tuple[SpokenPhone, ...]
    after_silence: bool  # nothing is heard before it

    @property
    def heard(self) -> float:
        """Where the word begins to be heard. The closure of a stop cannot be told from the silence before it."""
        if self.after_silence and self.phones and self.phones[0].ipa.lstrip("ˈˌ")[:1] in _STOPS:
            return self.phones[0].start
        return self.start


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Spoken:
    samples: NDArray[np.float32]  # (n,) full scale 1
    rate: int  # Hz
    words: tuple[SpokenWord, ...]


@dataclasses.dataclass
class _Group:
    """A word event with what follows up to the next."""

    first: int  # the word's number
    start: int  # sample
    phones: list[tuple[int, str]]  # sample, IPA
    after_silence: bool
    too_early: bool  # the phone before begins at the same sample


class EspeakVoice:
    """espeak-ng with a state of its own. Raises ImportError without the wheel."""

    def __init__(self) -> None:
        import espeakng_loader

        # A copy of its own: the library has one state a process, and the transcriber under test uses it too.
        source = Path(espeakng_loader.get_library_path())
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._library = ctypes.CDLL(shutil.copy(source, Path(self._folder.name) / source.name))
        self._library.espeak_Synth.argtypes = (
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p,
            ctypes.c_void_p,
        )  # fmt: skip
        data = espeakng_loader.get_data_path().encode()
        options = _PHONE_EVENTS | _IPA | _DONT_EXIT
        self._rate = self._library.espeak_Initialize(_SYNCHRONOUS_RETRIEVAL, 0, data, options)
        if self._rate <= 0:
            raise RuntimeError("espeak-ng could not be initialised")
        self._blocks: list[bytes] = []
        self._events: list[tuple[int, int, int, str]] = []
        self._callback = _Callback(self._receive)  # kept: the library holds only the address
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, *, voice: str = "en-us", words_per_minute: int = 165, pitch: int = 50) -> Spoken:
        """``text`` in plain words and punctuation, as samples and words with their times."""
        self._run(text, voice, words_per_minute, pitch)
        samples = np.frombuffer(b"".join(self._blocks), "<i2").astype(np.float32) / 32768.0
        matches = list(re.finditer(r"[\w']+", text))
        numbers = {match.start(): n for n, match in enumerate(matches)}
        groups: list[_Group] = []
        before = ""  # the phone before, "" for a pause
        before_at = -1
        for kind, position, sample, ipa in list(self._events):
            # Some joins leave an event in the middle of a word: it begins none.
            if kind == _WORD and position - 1 in numbers:
                groups.append(_Group(numbers[position - 1], sample, [], not before, before_at == sample))
            elif kind == _PHONE:
                before, before_at = ipa, sample if ipa else -1
                if ipa:
                    groups[-1].phones.append((sample, ipa))
        words: list[SpokenWord] = []
        for group, following in itertools.zip_longest(groups, groups[1:]):
            last = following.first if following else len(matches)
            words += self._apart(group, [match[0] for match in matches[group.first : last]], voice)
        return Spoken(samples=samples, rate=self._rate, words=tuple(words))

    def _apart(self, group: _Group, texts: Sequence[str], voice: str) -> list[SpokenWord]:
        """The words of one word event, cut where their phones are most like those of each word alone."""
        phones = group.phones
        cuts = [0, len(phones)]
        if len(texts) > 1:
            alone = [self._phones_alone(text, voice) for text in texts]
            heard = [ipa for _, ipa in phones]
            cuts = min(
                ([0, *inner, len(phones)] for inner in itertools.combinations(range(1, len(phones)), len(texts) - 1)),
                key=lambda edges: sum(_distance(heard[a:b], own) for (a, b), own in zip(itertools.pairwise(edges), alone)),
            )
        # A nasal or liquid is spoken together with the vowel after it, and that vowel's word event comes before both:
        # its phone event is right.
        start = phones[0][0] if group.too_early else group.start
        return [
            SpokenWord(
                text=text,
                start=(phones[a][0] if n else start) / self._rate,
                phones=tuple(SpokenPhone(ipa=ipa, start=sample / self._rate) for sample, ipa in phones[a:b]),
                after_silence=group.after_silence and n == 0,
            )
            for n, (text, (a, b)) in enumerate(zip(texts, itertools.pairwise(cuts), strict=True))
        ]

    @functools.lru_cache(maxsize=256)  # noqa: B019 - one voice a process
    def _phones_alone(self, word: str, voice: str) -> tuple[str, ...]:
        self._run(word, voice, 165, 50)
        return tuple(ipa for kind, _, _, ipa in self._events if kind == _PHONE and ipa)

    def _run(self, text: str, voice: str, words_per_minute: int, pitch: int) -> None:
        self._blocks.clear()
        self._events.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice}")
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()

    def _receive(self, wave: Any, count: int, events: Any) -> int:
        if count > 0:
            self._blocks.append(ctypes.string_at(wave, 2 * count))
        n = 0
        while events[n].type != _END:
            event = events[n]
            ipa = event.id.text.decode("utf-8", "replace") if event.type == _PHONE else ""
            self._events.append((event.type, event.text_position, event.sample, ipa))
            n += 1
        return 0


def _distance(heard: Sequence[str], alone: Sequence[str]) -> float:
    """Levenshtein's, in phones; a vowel for another vowel costs half."""
    row = [float(n) for n in range(len(alone) + 1)]
    for n, a in enumerate(heard, 1):
        last, row[0] = row[0], float(n)
        for m, b in enumerate(alone, 1):
            same = 0.0 if a == b else 0.5 if _is_vowel(a) and _is_vowel(b) else 1.0
            last, row[m] = row[m], min(last + same, row[m] + 1, row[m - 1] + 1)
    return row[-1]


def _is_vowel(ipa: str) -> bool:
    return ipa.lstrip("ˈˌ")[:1] in _VOWELS
