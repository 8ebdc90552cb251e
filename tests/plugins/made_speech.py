"""Speech that is made up, for tests of the gesture generator: syllables alone, or words with their phones."""

from __future__ import annotations

import numpy as np

from declaim.core.speech import HOP, Nucleus, Pause, Speech
from declaim.core.timeline import Phone, Word

_FIRST, _SILENCE, _LAST = 0.7, 0.5, 0.8  # s: before the words, at each mark, after the words


def babble(duration: float = 20.0, line: int = 9) -> Speech:
    """A syllable about each quarter second, of uneven loudness, with a pause every five seconds; ``line`` varies it."""
    random = np.random.Generator(np.random.PCG64(line))
    times = np.cumsum(random.uniform(0.16, 0.34, int(duration * 4)))
    times = times[(times < duration - 0.6) & (times % 5 < 4.3)]
    grid = np.arange(int(duration / HOP)) * HOP
    return Speech(
        audio_sha256="",
        duration=duration,
        energy=_level(grid, [(float(time), float(random.uniform(-24, -12))) for time in times]),
        nuclei=tuple(Nucleus(time=float(t), prominence=6.0) for t in times),
        pitch=(150 + 30 * np.sin(3 * grid)).astype(np.float32),
        pauses=tuple(Pause(start=5 * k + 4.35, end=5 * k + 5.0) for k in range(int(duration // 5))),
    )


def spoken(text: str, *, moved: int = -1, by: float = 0.0) -> Speech:
    """Even speech with silence at each mark. One word and its phones may be ``moved`` ``by`` s: the recording stays."""
    words, phones, pauses, centres, time = [], [], [Pause(start=0.0, end=_FIRST)], [], _FIRST
    for i, part in enumerate(text.split()):
        bare = part.rstrip(".,;!?")
        end = time + 0.16 + 0.04 * len(bare)
        centres.append((time + end) / 2)
        shift = by if i == moved else 0.0
        words.append(Word(text=bare, start=time + shift, end=end + shift, break_after=part[len(bare) :]))
        vowel = centres[-1] + shift
        phones.append(Phone(symbol="AE", start=vowel - 0.04, end=vowel + 0.04, stress=1, word=i))
        time = end
        if part != bare:
            pauses.append(Pause(start=time, end=time + _SILENCE))
            time += _SILENCE
    duration = time + _LAST
    grid = np.arange(int(duration / HOP)) * HOP
    level = _level(grid, [(centre, -12.0 - 4 * (number % 3)) for number, centre in enumerate(centres)])
    return Speech(
        audio_sha256="",
        duration=duration,
        energy=level,
        nuclei=tuple(Nucleus(time=round(c / HOP) * HOP, prominence=8.0) for c in centres),
        pitch=np.where(level > -40, 180 + 40 * np.sin(3 * grid), 0).astype(np.float32),
        pauses=(*pauses, Pause(start=time, end=duration)),
        sounds=(),
        words=tuple(words),
        phones=tuple(phones),
    )


def _level(grid: np.ndarray, peaks: list[tuple[float, float]]) -> np.ndarray:
    """Loudness (T,), dB, on the ``grid`` (T,), s, with syllables at (s, dB)."""
    level = np.full(len(grid), -70.0)
    for time, loudness in peaks:
        near = slice(*np.searchsorted(grid, (time - 0.3, time + 0.3)))
        level[near] = np.maximum(level[near], loudness - 900 * (grid[near] - time) ** 2)
    return level.astype(np.float32)
