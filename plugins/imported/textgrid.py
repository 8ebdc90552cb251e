"""Praat's TextGrid, long and short: the tiers, and which of them hold words and phones."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Sequence

from ...core.errors import ScriptError

Interval = tuple[float, float, str]  # start, end (s), text

# Praat reads only what stands free: numbers, texts in quotes, flags. Both layouts are the same to it.
_TOKEN = re.compile(r'"(?:[^"]|"")*"|<\w+>|(?<!\S)[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?(?!\S)|![^\n]*')
_WORD_TIERS = ("words", "word", "wrd", "ort-mau", "ort", "orthography", "transcript")
_PHONE_TIERS = ("phones", "phone", "phonemes", "phoneme", "segments", "mau")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tier:
    name: str
    intervals: tuple[Interval, ...]


def read_textgrid(text: str, name: str) -> list[Tier]:
    """The interval tiers, in order. Raises ScriptError naming the line."""
    tokens = _Tokens(text, name)
    if tokens.text("the file type").removeprefix("ooTextFile").strip() or tokens.text("the object class") != "TextGrid":
        raise ScriptError(f"{name} is no TextGrid.", hint="Save it from Praat as a text file.")
    tokens.number("the start"), tokens.number("the end")
    if tokens.flag() != "<exists>":
        return []
    tiers = []
    for _ in range(int(tokens.number("the number of tiers"))):
        kind, tier_name = tokens.text("a tier's class"), tokens.text("a tier's name")
        tokens.number("a tier's start"), tokens.number("a tier's end")
        count = int(tokens.number("a tier's size"))
        if kind == "IntervalTier":
            rows = [(tokens.number("xmin"), tokens.number("xmax"), tokens.text("an interval's text")) for _ in range(count)]
            tiers.append(Tier(name=tier_name, intervals=tuple(rows)))
        elif kind == "TextTier":
            for _ in range(count):
                tokens.number("a point's time"), tokens.text("a point's mark")
        else:
            raise ScriptError(f'{name}, line {tokens.line}: "{kind}" is no kind of tier.', hint="Save it from Praat again.")
    return tiers


def word_tier(tiers: Sequence[Tier]) -> Tier | None:
    """The tier named words (or the like, or "speaker - words"), else the first that is not named as phones."""
    return _named(tiers, _WORD_TIERS) or next((tier for tier in tiers if _last_name(tier) not in _PHONE_TIERS), None)


def phone_tier(tiers: Sequence[Tier]) -> Tier | None:
    return _named(tiers, _PHONE_TIERS)


def _named(tiers: Sequence[Tier], names: Sequence[str]) -> Tier | None:
    return next((tier for name in names for tier in tiers if _last_name(tier) == name), None)


def _last_name(tier: Tier) -> str:
    return tier.name.rsplit(" - ", 1)[-1].strip().lower()  # the Montreal aligner writes "speaker - words"


class _Tokens:
    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._end = 0
        self._found: Iterator[re.Match[str]] = (m for m in _TOKEN.finditer(text) if not m[0].startswith("!"))

    @property
    def line(self) -> int:
        return self._text.count("\n", 0, self._end) + 1

    def number(self, what: str) -> float:
        token = self._next(what)
        try:
            value = float(token)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self._unexpected(what, token)
        return value

    def text(self, what: str) -> str:
        token = self._next(what)
        if not token.startswith('"'):
            raise self._unexpected(what, token)
        return token[1:-1].replace('""', '"')

    def flag(self) -> str:
        token = self._next("<exists>")
        if not token.startswith("<"):
            raise self._unexpected("<exists>", token)
        return token

    def _next(self, what: str) -> str:
        match = next(self._found, None)
        if match is None:
            raise ScriptError(f"{self._name} ends where {what} should follow.", hint="It was cut short: save it again.")
        self._end = match.end()
        return match[0]

    def _unexpected(self, what: str, token: str) -> ScriptError:
        return ScriptError(
            f"{self._name}, line {self.line}: {what} should stand here, not {token[:40]}.", hint="Save it from Praat again."
        )
