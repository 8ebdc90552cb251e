#!/usr/bin/env python3
"""Speak the sentences below with flite, and keep its own times of words and segments: how flite_*.flac/.json were made.

    python tests/data/speech/make_flite.py    # Debian: apt install flite; Python: numpy soundfile

Times are flite's segment ends (s), from the utterance structure that its waveform is made from. Each sentence is one
utterance; silence of ``GAP`` s stands between. The sentences are ours; flite's output carries no licence of its own.
"""

from __future__ import annotations

import ctypes
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

HERE = Path(__file__).resolve().parent
RATE = 16_000
GAP = 0.25  # s
VOICES = {
    "slt": [
        "A good animation begins with the weight of the body, not with the hands.",
        "She turned, took a breath, and walked out of the old theatre.",
        "Every finger has a part to play in the music.",
        "Do you really want to know what happened after the show?",
    ],
    "rms": [
        "Ten years ago we built our first puppet from paper and wire.",
        "Some people point, some people wave, but nobody stands still.",
        "If the voice is angry, then give the shoulders something to do.",
        "He laughed at the very idea, shook his head, and left.",
    ],
}


class Flite:
    """libflite 2.2 through ctypes."""

    def __init__(self, voice: str) -> None:
        self._lib = ctypes.CDLL("libflite.so.1", mode=ctypes.RTLD_GLOBAL)
        for name in ("usenglish", "cmulex"):
            ctypes.CDLL(f"libflite_{name}.so.1", mode=ctypes.RTLD_GLOBAL)
        for name in ("flite_synth_text", "utt_relation", "relation_head", "item_next", "utt_wave", "path_to_item"):
            getattr(self._lib, name).restype = ctypes.c_void_p
        self._lib.flite_ffeature_string.restype = ctypes.c_char_p
        self._lib.flite_ffeature_float.restype = ctypes.c_float
        self._lib.flite_init()
        register = getattr(ctypes.CDLL(f"libflite_cmu_us_{voice}.so.1"), f"register_cmu_us_{voice}")
        register.restype = ctypes.c_void_p
        self._voice = ctypes.c_void_p(register(None))

    def speak(self, text: str) -> tuple[Any, list[dict[str, Any]]]:
        """(n,) int16 at RATE, and each word with its segments' times (s)."""
        utterance = ctypes.c_void_p(self._lib.flite_synth_text(text.encode(), self._voice))

        class Wave(ctypes.Structure):
            _fields_ = (
                ("type", ctypes.c_char_p),
                ("rate", ctypes.c_int),
                ("count", ctypes.c_int),
                ("channels", ctypes.c_int),
                ("samples", ctypes.POINTER(ctypes.c_short)),
            )

        wave = ctypes.cast(self._lib.utt_wave(utterance), ctypes.POINTER(Wave)).contents
        assert wave.rate == RATE and wave.channels == 1
        samples = np.ctypeslib.as_array(wave.samples, (wave.count,)).copy()
        words: list[dict[str, Any]] = []
        end, last = 0.0, None
        for segment in self._items(utterance, b"Segment"):
            start, end = end, self._lib.flite_ffeature_float(segment, b"end")
            name = self._string(segment, b"name")
            if name == "pau":
                continue
            owner = self._lib.path_to_item(segment, b"R:SylStructure.parent.parent")
            if owner != last:
                words.append({"text": self._string(segment, b"R:SylStructure.parent.parent.name"), "segments": []})
                last = owner
            words[-1]["segments"].append([name, round(start, 4), round(end, 4)])
        return samples, words

    def _items(self, utterance: Any, relation: bytes) -> Any:
        item = self._lib.relation_head(ctypes.c_void_p(self._lib.utt_relation(utterance, relation)))
        while item:
            yield ctypes.c_void_p(item)
            item = self._lib.item_next(ctypes.c_void_p(item))

    def _string(self, item: Any, feature: bytes) -> str:
        return (self._lib.flite_ffeature_string(item, feature) or b"").decode()


def main() -> None:
    for voice, sentences in VOICES.items():
        engine = Flite(voice)
        pieces, words, at = [np.zeros(round(GAP * RATE), np.int16)], [], GAP
        for sentence in sentences:
            samples, found = engine.speak(sentence)
            assert len(found) == len(sentence.split()), sentence
            for word in found:
                segments = [[name, round(a + at, 4), round(b + at, 4)] for name, a, b in word["segments"]]
                words.append({"text": word["text"], "start": segments[0][1], "end": segments[-1][2], "segments": segments})
            pieces += [samples, np.zeros(round(GAP * RATE), np.int16)]
            at += len(samples) / RATE + GAP
        path = HERE / f"flite_{voice}.flac"
        soundfile.write(path, np.concatenate(pieces), RATE, subtype="PCM_16", compression_level=1.0)
        rows = ",\n".join(f"  {json.dumps(word)}" for word in words)
        script = json.dumps(" ".join(sentences))
        path.with_suffix(".json").write_text(f'{{"script": {script},\n"words": [\n{rows}\n]}}\n', encoding="utf-8")
        print(f"{path.name}: {at:.1f} s, {len(words)} words, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
