"""What a spoken word may be a form of, in English: "grew" of "grow", "boxes" of "box", "don't" of "not".

Light on purpose: a form that is left out costs one gesture, a false one makes a wrong gesture. Other languages have no
rules here; their words stand for themselves.
"""

from __future__ import annotations

import functools
import unicodedata

_IRREGULAR = """
arise arose arisen; awake awoke awoken; be am is are was were been being; bear bore borne born; beat beaten; become became;
begin began begun; bend bent; bind bound; bite bit bitten; bleed bled; blow blew blown; break broke broken; breed bred;
bring brought; build built; burn burnt; buy bought; catch caught; choose chose chosen; cling clung; come came; creep crept;
deal dealt; dig dug; do does did done doing; draw drew drawn; dream dreamt; drink drank drunk; drive drove driven; eat ate
eaten; fall fell fallen; feed fed; feel felt; fight fought; find found; flee fled; fling flung; fly flew flown; forbid
forbade forbidden; forget forgot forgotten; forgive forgave forgiven; freeze froze frozen; get got gotten; give gave given;
go goes went gone going; grind ground; grow grew grown; hang hung; have has had; hear heard; hide hid hidden; hold held;
keep kept; kneel knelt; know knew known; lay laid; lead led; lean leant; leap leapt; learn learnt; leave left leaves; lend lent;
lie lay lain lying; die dying; tie tying; light lit; lose lost; make made; mean meant; meet met; pay paid; ride rode ridden;
ring rang rung; rise rose risen; run ran; say said; see saw seen; seek sought; sell sold; send sent; shake shook shaken;
shine shone; shoot shot; show shown; shrink shrank shrunk; sing sang sung; sink sank sunk; sit sat; sleep slept; slide slid;
speak spoke spoken; speed sped; spend spent; spin spun; spring sprang sprung; stand stood; steal stole stolen; stick stuck;
strike struck stricken; strive strove striven; swear swore sworn; sweep swept; swell swollen; swim swam swum; swing swung;
take took taken; teach taught; tear tore torn; tell told; think thought; throw threw thrown; understand understood; undo
undid undone; undergo underwent undergone; wake woke woken; wear wore worn; weave wove woven; weep wept; win won; wind wound;
withdraw withdrew withdrawn; withhold withheld; withstand withstood; write wrote written; free freed; agree agreed;
man men; woman women; child children; foot feet; tooth teeth; goose geese; mouse mice; person people; half halves; self
selves; life lives; knife knives; wife wives; leaf leaves; loaf loaves; shelf shelves; thief thieves; wolf wolves; calf
calves; good better best; bad worse worst; far farther further farthest furthest; little less least; live lives;
one 1; two 2; three 3; four 4; five 5; six 6; seven 7; eight 8; nine 9; ten 10; first 1st; second 2nd; third 3rd; fourth 4th
"""
_GRADABLE = """
bad big bold brave brief bright broad cheap clean clear close cold cool dark dear deep dry dull early easy fair fast few fine
firm flat fresh full gentle grand grave great happy hard harsh heavy high hot huge kind large late light long loud low mad
mild narrow near neat new nice noble odd old pale plain poor proud pure quick quiet rare rich rough sad safe sharp short
sick simple slight slim slow small smart smooth soft sore steep stern stiff strange strict strong subtle sure sweet tall
tender thick thin tight tiny tough true vast warm weak wet wide wild wise wonderful young
"""
_NO_FORMS = frozenset(  # they look like forms of other words and are none
    """anything bias bring ceiling darling during evening everything gas his inning king lens morning news nothing outing
    perhaps plus ring series sing something species spring string thing this thus towards upwards downwards backwards
    forwards always sometimes besides hers ours theirs yours us was wing yes indeed need hundred sacred wicked naked
    red bed wed shed""".split()  # noqa: SIM905
)
_VOWELS = "aeiou"


def plain(text: str) -> str:
    """The word in small letters, with straight apostrophes and without any other mark than those of its script."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return "".join(c for c in folded if c == "'" or c.isalnum() or unicodedata.category(c)[0] == "M").strip("'")


@functools.lru_cache(maxsize=32768)
def lemmas(word: str, language: str = "en") -> tuple[str, ...]:
    """What the ``plain`` word may be a form of, itself first; a guess may be no word at all.

    ``language``: as the speech has it ("en", "en-us", "de", ...).
    """
    if not language.casefold().startswith("en"):
        return (word,)
    if word.endswith("n't") or word == "cannot":
        return (word, "not")
    head, mark, tail = word.partition("'")
    if mark and tail in ("s", "m", "re", "ve", "ll", "d"):
        return (word, *lemmas(head))
    found = [word, *_forms().get(word, ())]
    if len(found) == 1 and not mark and word.isascii() and word not in _NO_FORMS:
        found += _regular(word)
    return tuple(dict.fromkeys(found))


@functools.cache
def _forms() -> dict[str, tuple[str, ...]]:
    """Irregular form -> what it is of."""
    table: dict[str, tuple[str, ...]] = {}
    for row in _IRREGULAR.replace("\n", " ").split(";"):
        base, *forms = row.split()
        for form in forms:
            table[form] = (*table.get(form, ()), base)
    for base in _GRADABLE.split():
        stem = base[:-1] + "i" if base.endswith("y") else base[:-1] if base.endswith("e") else base
        stem += stem[-1] if _doubles(stem) and not base.endswith(("e", "y")) else ""
        for ending in ("er", "est"):
            table.setdefault(stem + ending, (base,))
    return table


def _regular(word: str) -> list[str]:
    if word.endswith("s"):
        return _singular(word)
    for ending in ("ing", "ed"):
        stem = word[: -len(ending)]
        if not word.endswith(ending):
            continue
        if ending == "ed" and stem.endswith("i"):
            return [stem[:-1] + "y", stem + "e"]  # tried, tied
        if word.endswith("eed") or not any(letter in _VOWELS + "y" for letter in stem):
            return []
        return _stems(stem)
    return []


def _singular(word: str) -> list[str]:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return []
    if word.endswith("ies"):
        return [word[:-3] + "y", word[:-1]]  # stories, movies
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return [word[:-2], word[:-1]]  # boxes, shoes
    return [word[:-1]]


def _stems(stem: str) -> list[str]:
    """What may have been before -ing or -ed."""
    if len(stem) > 3 and stem[-1] == stem[-2] and stem[-1] not in _VOWELS:
        return [stem[:-1], stem] if stem[-1] in "lsfz" else [stem[:-1]]  # stopping; falling, controlling
    if _doubles(stem) and sum(letter in _VOWELS for letter in stem) == 1:
        return [stem + "e"]  # hoping: "hop" would have been hopping
    return [stem + "e", stem] if len(stem) > 2 else [stem + "e"]


def _doubles(stem: str) -> bool:
    """Whether the last letter is doubled before a vowel: one consonant after one vowel."""
    return (
        len(stem) > 2
        and stem[-1] not in _VOWELS + "wxy"
        and stem[-2] in _VOWELS
        and (stem[-3] not in _VOWELS or stem[-3:-1] == "ui")
    )
