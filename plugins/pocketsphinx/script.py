"""A script as it is spoken: its words, each with how it is written and the ways it may be read aloud."""

from __future__ import annotations

import dataclasses
import itertools
import re
import unicodedata
from collections.abc import Callable, Container

from .spoken_numbers import CURRENCIES, UNITS, Reading, readings

MAGNITUDES = ("hundred", "thousand", "million", "billion", "trillion")
SIGNS = {
    "&": ("and",), "+": ("plus",), "=": ("equals",), "%": ("percent",), "@": ("at",), "#": ("number",), "×": ("times",),
    "÷": ("divided", "by"), "°": ("degrees",), "€": ("euros",), "$": ("dollars",), "£": ("pounds",), "™": (), "©": (), "®": (),
}  # fmt: skip
ABBREVIATIONS: dict[str, tuple[str, ...]] = {
    "mr": ("mister",), "mrs": ("missus",), "ms": ("miz", "ms"), "dr": ("doctor", "drive"), "prof": ("professor",),
    "st": ("saint", "street"), "ave": ("avenue",), "rd": ("road",), "blvd": ("boulevard",), "mt": ("mount",),
    "ft": ("fort", "feet"), "jr": ("junior",), "sr": ("senior",), "capt": ("captain",), "cmdr": ("commander",),
    "col": ("colonel",), "gen": ("general",), "lt": ("lieutenant",), "sgt": ("sergeant",), "maj": ("major",),
    "pvt": ("private",), "adm": ("admiral",), "gov": ("governor",), "sen": ("senator",), "rep": ("representative",),
    "rev": ("reverend",), "hon": ("honorable",), "pres": ("president",), "vs": ("versus", "v s"), "v": ("versus", "v"),
    "etc": ("et cetera",), "approx": ("approximately",), "dept": ("department",), "est": ("established", "estimated"),
    "inc": ("incorporated", "inc"), "ltd": ("limited",), "co": ("company", "co"), "corp": ("corporation",),
    "no": ("number", "no"), "nos": ("numbers",), "fig": ("figure",), "vol": ("volume",), "ch": ("chapter",),
    "p": ("page", "p"), "pp": ("pages",), "min": ("minutes", "minimum", "min"), "max": ("maximum", "max"),
    "jan": ("january",), "feb": ("february",), "mar": ("march",), "apr": ("april",), "jun": ("june",), "jul": ("july",),
    "aug": ("august",), "sep": ("september",), "sept": ("september",), "oct": ("october",), "nov": ("november",),
    "dec": ("december",), "e.g": ("e g", "for example"), "i.e": ("i e", "that is"), "a.m": ("a m",), "p.m": ("p m",),
    "w/": ("with",), "w/o": ("without",), "b/c": ("because",),
}  # fmt: skip
_PLAIN_TOO = {"no", "ms", "min", "max", "co", "inc", "p", "v", "ch", "gen", "col", "rep", "est", "mar", "jan", "ft", "sen"}
_TITLES = {"mr", "mrs", "ms", "dr", "prof", "st", "mt", "capt", "col", "gen", "lt", "sgt", "gov", "sen", "rep", "rev", "no"}
_APOSTROPHES = dict.fromkeys(map(ord, "‘’‛ʼʹ′´`＇ꞌ"), "'")
_DIRECTION = re.compile(r"\[[^\[\]]*\]|<[^<>]*>")  # [laughs], <break/>
_DASH = re.compile(r"(?<![\d\s])\s*(?:--+|[—―]|(?<=[^\d\s])–(?=\D)|\s[-–]\s)\s*|\s+[-–—―]+\s+|[—―]|--+")
_AROUND = "\"“”„«»‹›()[]{}<>*_~|¿¡'…,;:.?!/\\"
_STRENGTH = "?!.;:—,"  # strongest first
_ROMAN = re.compile(r"(?=[IVX]{2,})X{0,3}(?:IX|IV|V?I{0,3})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Token:
    """A word of the script."""

    text: str  # as written, without the punctuation around it
    readings: tuple[Reading, ...]  # lower-case words that may be said for it: "1984" is nineteen, eighty, four
    break_after: str = ""  # as in core.timeline.Word


def tokens(script: str, knows: Callable[[str], bool], names: Container[str] = ()) -> list[Token]:
    """The words of ``script``. Stage directions in brackets are not spoken; words in parentheses are.

    ``knows`` tells whether a lower-case word is in the dictionary; ``names`` are words with a pronunciation of their
    own, kept whole.
    """
    plain = _DIRECTION.sub(" ", script)
    shouting = not any(character.islower() for character in plain)
    found: list[Token] = []
    for piece in re.finditer(r"\S+", _DASH.sub(" — ", plain)):
        text, mark = _bare(piece[0], knows, names)
        ways = _ways(text.translate(_APOSTROPHES), knows, names, shouting) if text else ()
        if ways:
            found.append(Token(text=text, readings=ways, break_after=mark))
        elif found and mark:
            found[-1] = dataclasses.replace(found[-1], break_after=_strongest(found[-1].break_after + mark))
    return _settled(found)


def _bare(piece: str, knows: Callable[[str], bool], names: Container[str]) -> tuple[str, str]:
    """A piece between spaces without the punctuation around it, and its mark."""
    if set(piece) <= set("—–-"):
        return "", "—"
    if piece.lower() in names:
        return piece, ""
    start, end = 0, len(piece)
    same = piece.translate(_APOSTROPHES)  # letter for letter
    while start < end and same[start] in _AROUND:
        rest = same[start:].lower()
        if re.match(r"\.\d|'\d\ds?\b", rest) or (rest[0] == "'" and knows(rest.rstrip(_AROUND))):
            break
        start += 1
    while end > start and same[end - 1] in _AROUND:
        end -= 1
    text, tail = piece[start:end], piece[end:]
    mark = _strongest(tail.replace("...", "—").replace("…", "—"))
    if tail.startswith(".") and _dotted(text):
        return text + ".", _strongest(tail[1:])
    if text.endswith("-"):
        return text.rstrip("-"), mark or "—"
    return text, mark


def _dotted(text: str) -> bool:
    return text.lower() in ABBREVIATIONS or re.fullmatch(r"(?:[A-Za-z]\.)*[A-Z]|[A-Za-z](?:\.[A-Za-z])+", text) is not None


def _settled(found: list[Token]) -> list[Token]:
    """What depends on the neighbours: "$5 million", "No. 5", and the full stop that an abbreviation swallowed."""
    out = list(found)
    for i, token in enumerate(out):
        following = out[i + 1] if i + 1 < len(out) else None
        money = re.fullmatch(r"([$£€¥₹])([\d.,]+)", token.text)
        if money and following and following.text.lower() in MAGNITUDES:
            many = CURRENCIES[money[1]][1]
            out[i] = dataclasses.replace(token, readings=readings(money[2]))
            out[i + 1] = dataclasses.replace(
                following, readings=((following.text.lower(), many), (following.text.lower(),))
            )
        if token.text.endswith("."):
            stem = token.text.rstrip(".")
            ends = following is None or (following.text[:1].isupper() and stem.lower() not in _TITLES and len(stem) > 1)
            mark = _strongest(token.break_after + ("." if ends else ""))
            # The dots of "U.S." belong to the word, that of "Mr." to the way of writing it.
            out[i] = dataclasses.replace(out[i], text=token.text if "." in stem else stem, break_after=mark)
    return out


def _ways(text: str, knows: Callable[[str], bool], names: Container[str], shouting: bool) -> tuple[Reading, ...]:
    """The readings of one bare piece; empty where nothing in it is spoken."""
    word = text.lower()
    if word in names or word.rstrip(".") in names:
        return ((word if word in names else word.rstrip("."),),)
    if word in SIGNS:
        return (SIGNS[word],) if SIGNS[word] else ()
    stem = word.rstrip(".")
    if stem in ABBREVIATIONS and (word.endswith(".") or stem not in _PLAIN_TOO):
        return tuple(tuple(way.split()) for way in ABBREVIATIONS[stem])
    if found := readings(text.rstrip(".")):
        return found
    if re.fullmatch(r"(?:\w\.)+\w?", word):
        return (tuple(word.replace(".", "")),)
    if _ROMAN.fullmatch(text) and not shouting:
        return _numeral(text)
    if "@" in text[1:] or re.search(r"\w\.\w{2,}", text):
        return _address(text, knows, names, shouting)
    if text.startswith("#"):
        return _product((((), ("hashtag",))), _ways(text[1:], knows, names, shouting))
    if text.startswith("@"):
        return _product((((), ("at",))), _ways(text[1:], knows, names, shouting))
    if "/" in text:
        sides = [_ways(part, knows, names, shouting) for part in text.split("/") if part]
        return _product(*_between(sides, ((), ("slash",), ("or",))))
    if knows(word):
        return ((word,), tuple(word)) if text.isupper() and 1 < len(text) < 5 and not shouting else ((word,),)
    if (parts := re.split(r"[-–_+&.,:;*~|]+", text)) and len(parts) > 1:
        middle: tuple[Reading, ...] = (("and",),) if "&" in text else ((),)
        return _product(*_between([_ways(part, knows, names, shouting) for part in parts if part], middle))
    if re.search(r"\d", text):
        groups = re.findall(r"\d+|[^\W\d_]+(?:'[^\W\d_]+)?", text)
        if len(groups) > 1:
            return _product(*(_ways(group, knows, names, shouting) for group in groups))
    return _plain(text, knows, shouting)


def _plain(text: str, knows: Callable[[str], bool], shouting: bool) -> tuple[Reading, ...]:
    """A word outside the dictionary, or with accents or capitals in its middle."""
    letters = "".join(character for character in text if character.isalpha() or character == "'").strip("'")
    word = letters.lower()
    if not word:
        unit = UNITS.get(text.lower())
        return (tuple(unit[1].split()),) if unit else ()
    folded = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    ways: list[Reading] = [(folded if knows(folded) else word,)]
    if letters.isupper() and 1 < len(letters) < 6 and not shouting:
        ways.append(tuple(folded.replace("'", "")))
    elif not any(letter in "aeiouy" for letter in folded) and folded.isascii() and len(folded) > 1 and not knows(folded):
        ways.insert(0, tuple(folded.replace("'", "")))
    elif (humps := re.findall(r"[A-Z]?[^A-Z']+|[A-Z]+(?![^A-Z'])", letters)) and len(humps) > 1:
        ways.append(tuple(hump.lower() for hump in humps))
    return tuple(dict.fromkeys(ways))


def _numeral(text: str) -> tuple[Reading, ...]:
    values = {"I": 1, "V": 5, "X": 10}
    amounts = [values[letter] for letter in text]
    value = sum(-a if a < b else a for a, b in itertools.pairwise([*amounts, 0]))
    last = {1: "st", 2: "nd", 3: "rd"}.get(value % 10 if value % 100 not in (11, 12, 13) else 0, "th")
    ordinals = readings(f"{value}{last}")
    return (*readings(str(value)), *(("the", *way) for way in ordinals), *ordinals, tuple(text.lower()))


def _address(text: str, knows: Callable[[str], bool], names: Container[str], shouting: bool) -> tuple[Reading, ...]:
    said: list[tuple[Reading, ...]] = []
    for part in re.findall(r"[^\W_]+|[@./_-]", re.sub(r"^\w+://", "", text.rstrip("."))):
        sign = {"@": "at", ".": "dot", "/": "slash", "_": "underscore", "-": "dash"}.get(part)
        said.append(((sign,),) if sign else (tuple("www"),) if part == "www" else _ways(part, knows, names, shouting))
    return _product(*said)


def _between(parts: list[tuple[Reading, ...]], middle: tuple[Reading, ...]) -> list[tuple[Reading, ...]]:
    parts = [part for part in parts if part]
    return [way for part in parts for way in (middle, part)][1:]


def _product(*parts: tuple[Reading, ...]) -> tuple[Reading, ...]:
    ways = (tuple(itertools.chain.from_iterable(choice)) for choice in itertools.product(*(p for p in parts if p)))
    return tuple(dict.fromkeys(way for way in itertools.islice(ways, 12) if way))


def _strongest(marks: str) -> str:
    return next((mark for mark in _STRENGTH if mark in marks), "")
