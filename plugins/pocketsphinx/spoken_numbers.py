"""How figures are read aloud. Each function gives every common reading, the likeliest first, as tuples of words.

The aligner hears which reading the voice took, so nothing has to be guessed from the text alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

Reading = tuple[str, ...]

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "\u00a3": ("pound", "pounds", "penny", "pence"),
    "\u20ac": ("euro", "euros", "cent", "cents"),
    "\u00a5": ("yen", "yen", "sen", "sen"),
    "\u20b9": ("rupee", "rupees", "paisa", "paise"),
}
MAGNITUDES = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "b": "billion", "tn": "trillion"}
UNITS = {
    "%": ("percent", "percent"),
    "km": ("kilometer", "kilometers"),
    "m": ("meter", "meters"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "kg": ("kilogram", "kilograms"),
    "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"),
    "lb": ("pound", "pounds"),
    "lbs": ("pounds", "pounds"),
    "oz": ("ounce", "ounces"),
    "ft": ("foot", "feet"),
    "in": ("inch", "inches"),
    "mph": ("miles per hour", "miles per hour"),
    "kph": ("kilometers per hour", "kilometers per hour"),
    "km/h": ("kilometers per hour", "kilometers per hour"),
    "hz": ("hertz", "hertz"),
    "khz": ("kilohertz", "kilohertz"),
    "mhz": ("megahertz", "megahertz"),
    "ghz": ("gigahertz", "gigahertz"),
    "kb": ("kilobyte", "kilobytes"),
    "mb": ("megabyte", "megabytes"),
    "gb": ("gigabyte", "gigabytes"),
    "tb": ("terabyte", "terabytes"),
    "ms": ("millisecond", "milliseconds"),
    "s": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "h": ("hour", "hours"),
    "\u00b0": ("degree", "degrees"),
    "\u00b0c": ("degree celsius", "degrees celsius"),
    "\u00b0f": ("degree fahrenheit", "degrees fahrenheit"),
    "x": ("times", "times"),
    "px": ("pixel", "pixels"),
    "fps": ("frames per second", "frames per second"),
}
_FRACTIONS = {2: ("half", "halves"), 4: ("quarter", "quarters")}
_GLYPHS = {"\u00bd": "1/2", "\u2153": "1/3", "\u2154": "2/3", "\u00bc": "1/4", "\u00be": "3/4", "\u215b": "1/8"}
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"


def readings(text: str) -> tuple[Reading, ...]:
    """The readings of a word that begins with a figure or a sign before one; empty where it is none."""
    text = (
        re.sub(f"[{''.join(_GLYPHS)}]", lambda glyph: f" {_GLYPHS[glyph[0]]}", text.lower()).strip().replace("\u2212", "-")
    )
    sign = "minus" if re.match(r"-[\d.]", text) else "plus" if re.match(r"\+[\d.]", text) else ""
    text = text[1:] if sign else text
    found = _unsigned(text)
    return tuple((sign, *reading) for reading in found) if sign else found


def _unsigned(text: str) -> tuple[Reading, ...]:
    if match := re.fullmatch(rf"([$£€¥₹])({_NUMBER})(k|m|mn|bn|b|tn)?", text):
        return _money(match[1], match[2], MAGNITUDES.get(match[3] or "", ""))
    if match := re.fullmatch(rf"({_NUMBER})([$£€¥₹])", text):
        return _money(match[2], match[1], "")
    if match := re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(am|pm)?", text):
        return _clock(*match.groups())
    if match := re.fullmatch(r"(\d{1,2})(am|pm)", text):
        return _joined(number(match[1]), ((*match[2],),))
    if match := re.fullmatch(r"(\d+)(st|nd|rd|th)", text):
        return ordinal(int(match[1]))
    if match := re.fullmatch(r"(?:(\d+)[ -])?(\d+)/(\d+)", text):
        return _fraction(*match.groups())
    if match := re.fullmatch(r"'?(\d{2}|\d{4})'?s", text):
        return _decade(match[1])
    if match := re.fullmatch(r"'(\d{2})", text):
        return _two_digits(int(match[1]))
    if match := re.fullmatch(r"(?:#|no\.?)(\d+)", text):
        return _joined((("number",),), number(match[1]))
    if match := re.fullmatch(rf"({_NUMBER})[-–](\d[\d.,]*)(.*)", text):
        return _range(match[1], match[2] + match[3])
    if match := re.fullmatch(rf"({_NUMBER})-?([a-z°%/]+)", text):
        unit = UNITS.get(match[2])
        if unit:
            one = match[1] == "1"
            return _joined(number(match[1]), tuple(dict.fromkeys((tuple(unit[not one].split()), tuple(unit[0].split())))))
    if re.fullmatch(_NUMBER, text):
        return number(text)
    if re.fullmatch(r"\d+(?:[-.]\d+){2,}", text):  # telephone numbers, versions, dates
        parts = re.split(r"[-.]", text)
        points = list(itertools.chain.from_iterable(("point", *_digits(part)) for part in parts))[1:]
        return (tuple(itertools.chain.from_iterable(_digits(part) for part in parts)), tuple(points))
    return ()


def number(text: str) -> tuple[Reading, ...]:
    """Readings of a plain number, with or without a decimal point and commas."""
    whole, _, decimals = text.replace(",", "").partition(".")
    if decimals:
        heads = cardinal(int(whole)) if whole else ((), ("zero",), ("oh",))
        if whole == "0":
            heads = (("zero",), (), ("oh",))
        tail = _unique((("point", *_digits(decimals)), ("point", *_digits(decimals, "oh"))))
        if 0 < len(decimals) < 3 and decimals[0] != "0":
            tail += tuple(("point", *reading) for reading in cardinal(int(decimals)))
        return _joined(heads, tail)
    if (len(whole) > 1 and whole[0] == "0") or len(whole) > 15:
        return _unique((_digits(whole, "oh"), _digits(whole), _doubles(whole)))
    value = int(whole)
    found: tuple[Reading, ...] = cardinal(value)
    if "," not in text:
        if len(whole) == 4:
            found = _unique((*year(value), *found)) if 1100 <= value < 2100 else _unique((*found, *year(value)))
        elif len(whole) == 3:
            found += _unique((_digits(whole, "oh"), *_joined(((DIGITS[value // 100],),), _two_digits(value % 100))))
        if len(whole) > 3:
            found += (_digits(whole, "oh"), _digits(whole))
    return _unique(found)


def cardinal(value: int) -> tuple[Reading, ...]:
    """Readings of a count: with and without "and", "a hundred" beside "one hundred"."""
    words = _words(value, "cardinal")
    found = [tuple(word for word in words if word != "and"), words]
    if words[0] == "one" and len(words) > 1:
        found += [("a", *reading[1:]) for reading in found]
    return _unique(found)


def ordinal(value: int) -> tuple[Reading, ...]:
    words = _words(value, "ordinal")
    return _unique((tuple(word for word in words if word != "and"), words))


def year(value: int) -> tuple[Reading, ...]:
    """Readings of four figures in pairs, as years and house numbers are read."""
    century, rest = divmod(value, 100)
    if century % 10 == 0 and rest < 10:
        pairs: tuple[Reading, ...] = ((*_words(century, "cardinal"), "oh", DIGITS[rest]),) if rest else ()
        return (*cardinal(value), *pairs)
    if not rest:
        return ((*_words(century, "cardinal"), "hundred"),)
    return _joined((_words(century, "cardinal"),), _two_digits(rest))


def _two_digits(value: int) -> tuple[Reading, ...]:
    if value < 10:
        return (("oh", DIGITS[value]), ("zero", DIGITS[value]))
    return (_words(value, "cardinal"),)


def _money(sign: str, amount: str, magnitude: str) -> tuple[Reading, ...]:
    one, many, small_one, small_many = CURRENCIES[sign]
    if magnitude:
        return _joined(number(amount), ((magnitude, many), (magnitude,)))
    whole, _, decimals = amount.replace(",", "").partition(".")
    if len(decimals) == 2:
        big, small = int(whole or 0), int(decimals)
        unit = (one if big == 1 else many,)
        if not small:
            return _joined(cardinal(big), (unit,))
        cents = _joined(cardinal(small), ((small_one if small == 1 else small_many,), ()))
        if not big:
            return cents
        return _unique(
            (*_joined(cardinal(big), (unit, (*unit, "and")), cents), *_joined(cardinal(big), _two_digits(small)))
        )
    return _joined(number(amount), ((one if amount == "1" else many,), (one,)))


def _clock(hour: str, minute: str, second: str | None, half: str | None) -> tuple[Reading, ...]:
    hours, minutes = cardinal(int(hour)), int(minute)
    tail: tuple[Reading, ...] = ((*half,),) if half else ((),)
    if second:
        return _joined(hours, _two_digits(minutes), _two_digits(int(second)), tail)
    if not minutes:
        return _joined(hours, (("o'clock",), (), ("hundred",)), tail)
    found = _joined(hours, _two_digits(minutes), tail)
    before, after = _words(int(hour) % 12 or 12, "cardinal"), _words(int(hour) % 12 + 1, "cardinal")
    if minutes == 30:
        found += (("half", "past", *before),)
    if minutes == 15:
        found += (("quarter", "past", *before), ("a", "quarter", "past", *before))
    if minutes == 45:
        found += (("quarter", "to", *after), ("a", "quarter", "to", *after))
    return found


def _fraction(whole: str | None, upper: str, lower: str) -> tuple[Reading, ...]:
    top, bottom = int(upper), int(lower)
    plain = _joined(cardinal(top), (("slash",), ("over",), ()), cardinal(bottom))  # also 24/7, 9/11
    if not 0 < top < bottom:
        return plain
    names = [_FRACTIONS[bottom]] if bottom in _FRACTIONS else []
    parts = _words(bottom, "ordinal")
    names += [(" ".join(parts), " ".join(parts) + "s")]
    said = _unique(
        (*head, *name[top > 1].split())
        for name in names
        for head in ([*cardinal(top), ("a",)] if top == 1 else cardinal(top))
    )
    return _joined(cardinal(int(whole)), (("and",),), said) if whole else said + plain


def _decade(text: str) -> tuple[Reading, ...]:
    value = int(text)
    return tuple(
        (*reading[:-1], _plural(reading[-1])) for reading in (year(value) if value > 99 else (_words(value, "cardinal"),))
    )


def _range(first: str, second: str) -> tuple[Reading, ...]:
    digits: tuple[Reading, ...] = ()
    if len(first) == 3 and len(second) == 4:  # a telephone number
        digits = ((*_digits(first, "oh"), *_digits(second, "oh")), (*_digits(first), *_digits(second)))
    return _unique((*digits, *_joined(number(first), (("to",), ()), _unsigned(second))))


def _plural(word: str) -> str:
    return word[:-1] + "ies" if word.endswith("y") else word + "es" if word.endswith("x") else word + "s"


def _digits(text: str, zero: str = "zero") -> Reading:
    return tuple(zero if digit == "0" else DIGITS[int(digit)] for digit in text if digit.isdigit())


def _doubles(text: str) -> Reading:
    """007 as double oh seven."""
    said: list[str] = []
    for digit, group in itertools.groupby(text):
        name = "oh" if digit == "0" else DIGITS[int(digit)]
        count = len(list(group))
        said += ["double", name] if count == 2 else [name] * count
    return tuple(said)


def _words(value: int, kind: str) -> Reading:
    from num2words import num2words

    return tuple(re.findall(r"[a-z]+", num2words(value, to=kind, lang="en")))


def _joined(*parts: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Every way through, the likeliest first; at most a dozen, for each is a path that the aligner walks."""
    choices = sorted(itertools.product(*map(enumerate, parts)), key=lambda choice: sum(rank for rank, _ in choice))
    return _unique(tuple(itertools.chain.from_iterable(words for _, words in choice)) for choice in choices)[:12]


def _unique(found: Iterable[Reading]) -> tuple[Reading, ...]:
    return tuple(dict.fromkeys(reading for reading in found if reading))
