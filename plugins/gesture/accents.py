"""Where the voice puts its weight: one accent a word, or one a syllable where there are no words."""

from __future__ import annotations

import bisect
import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.speech import HOP, Speech
from ...core.timeline import Phone, Word

Array = NDArray[Any]

VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())  # noqa: SIM905
_WEAK_VOWELS = frozenset(("AH", "IH", "ER"))
_SLACK = 0.03  # s; an aligner's borders are this far off now and then
_USUAL_WORD, _WORD_SPREAD = 0.3, 0.18  # s
_USUAL_SCORE = 0.85  # of a word in read speech
# Seldom accented: articles, prepositions, auxiliaries, conjunctions, pronouns.
_FUNCTION_WORDS = frozenset(
    """
    a an the of to in on at by for from with as is am are was were be been being have has had do does did will would shall
    should can could may might must and or but if than then that this these those it its he him his she her they them
    their we us our you your i me my who whom whose which what there so not no nor into onto upon about
    """.split()  # noqa: SIM905
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Accent:
    """A syllable that a stroke, a nod or a brow may fall on."""

    time: float  # s, the energy peak inside the stressed vowel
    strength: float  # 0..1 within the line
    pitch: float  # semitones above the line's median; 0 where unvoiced
    loudness: float = 0.0  # deviations from the line's usual syllable
    word: int = -1
    content: bool = True  # not an article, a preposition, an auxiliary, a conjunction or a pronoun


def find_accents(speech: Speech) -> list[Accent]:
    """The line's accents in order of time."""
    if speech.silent or speech.duration <= 0:
        return []
    if speech.words:
        groups = _phones_by_word(speech)
        spots = [(_word_time(word, groups.get(i, []), speech), i) for i, word in enumerate(speech.words)]
        spots = [(time, i) for time, i in spots if 0 <= time < speech.duration]
    else:
        spots = [(nucleus.time, -1) for nucleus in speech.nuclei or ()]
    if not spots:
        return []
    spots.sort()
    times = np.array([time for time, _ in spots])
    pitch = _pitch_at(speech, times)
    loudness = _loudness_at(speech, times)
    content = np.array([_content(speech, word) for _, word in spots])
    heard = np.array([_nucleus_near(speech, time) for time in times])
    length = (np.array([_length(speech, word) for _, word in spots]) - _USUAL_WORD) / _WORD_SPREAD
    score = 0.9 * content + 0.4 * heard + 0.5 * loudness + 0.35 * np.clip(pitch, -4, 6) / 3 + 0.35 * np.clip(length, -2, 3)
    strength = 1 / (1 + np.exp(-1.3 * (score - _USUAL_SCORE)))
    return [
        Accent(time=float(t), strength=float(s), pitch=float(p), loudness=float(v), word=w, content=bool(c > 0))
        for t, s, p, v, c, (_, w) in zip(times, strength, pitch, loudness, content, spots)
    ]


def _word_time(word: Word, phones: list[Phone], speech: Speech) -> float:
    """The energy peak inside the word's stressed vowel; less exact where phones or energy are missing."""
    vowel = _stressed_vowel(phones)
    start, end = (vowel.start, vowel.end) if vowel else (word.start, word.end)
    slack = _SLACK if vowel else 0.0
    nuclei = speech.nuclei or ()
    first = bisect.bisect_left(nuclei, start - slack, key=lambda nucleus: nucleus.time)
    last = bisect.bisect_right(nuclei, end + slack, key=lambda nucleus: nucleus.time)
    if first < last:
        return max(nuclei[first:last], key=lambda nucleus: nucleus.prominence).time
    start, end = start + 0.2 * (end - start), end - 0.2 * (end - start)  # a border's energy belongs to the neighbour
    if speech.energy is not None and len(speech.energy):
        first = min(round(start / HOP), len(speech.energy) - 1)
        last = min(max(first + 1, round(end / HOP) + 1), len(speech.energy))
        return float(first + np.argmax(speech.energy[first:last])) * HOP
    return (start + end) / 2


def _stressed_vowel(phones: list[Phone]) -> Phone | None:
    vowels = [phone for phone in phones if phone.symbol in VOWELS]
    if not vowels:
        return None
    for stress in (1, 2):
        for vowel in vowels:
            if vowel.stress == stress:
                return vowel
    return max(vowels, key=lambda v: (v.end - v.start) * (0.5 if v.symbol in _WEAK_VOWELS else 1.0))


def _phones_by_word(speech: Speech) -> dict[int, list[Phone]]:
    groups: dict[int, list[Phone]] = {}
    for phone in speech.phones or ():
        groups.setdefault(phone.word, []).append(phone)
    return groups


def _nucleus_near(speech: Speech, time: float) -> bool:
    nuclei = speech.nuclei or ()
    place = bisect.bisect_left(nuclei, time - _SLACK, key=lambda nucleus: nucleus.time)
    return place < len(nuclei) and nuclei[place].time <= time + _SLACK


def _content(speech: Speech, word: int) -> float:
    if word < 0 or not speech.words:
        return 0.5
    text = speech.words[word].text.lower()
    return 0.0 if text in _FUNCTION_WORDS else 1.0


def _length(speech: Speech, word: int) -> float:
    return 0.0 if word < 0 or not speech.words else speech.words[word].end - speech.words[word].start


def _loudness_at(speech: Speech, times: Array) -> Array:
    """Level at ``times`` (N,) against that of the line's syllables, in their deviations.

    It is the recording's own measure: a word that is moved changes no other word's.
    """
    if speech.energy is None or not len(speech.energy):
        return np.zeros(len(times))
    level = np.asarray(speech.energy, dtype=np.float64)

    def at(moments: Array) -> Array:
        return np.asarray(level[np.clip(np.rint(moments / HOP).astype(int), 0, len(level) - 1)])

    usual = at(np.array([nucleus.time for nucleus in speech.nuclei])) if speech.nuclei else level[level > level.max() - 20]
    return np.asarray(np.clip((at(times) - usual.mean()) / max(float(usual.std()), 1.5), -2.5, 2.5))


def _pitch_at(speech: Speech, times: Array) -> Array:
    """Semitones over the line's median; the median of 70 ms around each time, 0 where unvoiced."""
    if speech.pitch is None or not (np.asarray(speech.pitch) > 0).any():
        return np.zeros(len(times))
    hertz = np.asarray(speech.pitch, dtype=np.float64)
    median = np.median(hertz[hertz > 0])
    result = np.zeros(len(times))
    for i, centre in enumerate(np.rint(times / HOP).astype(int)):
        near = hertz[max(0, centre - 3) : centre + 4]
        near = near[near > 0]
        if len(near):
            result[i] = 12 * np.log2(np.median(near) / median)
    return np.clip(result, -12, 12)
