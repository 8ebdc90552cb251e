"""Placing a whole script in a whole voice: long lines in pieces cut at pauses, and scripts that the voice departs from."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from ...core.report import Report
from .decoder import Array, Decoder, Step, WordSpan

_PIECE = 3000  # frames of 10 ms searched at a time; a line up to a third longer is done at once
_BEYOND = 400  # frames that are heard beyond a cut, so that the words before it are settled
_LEAD = 3  # words before a cut that the next piece hears again, so that the first after it has its neighbours
_FASTEST = 6.5  # script words a second that a voice can say
_MISFIT = -60.0  # a second of speech that scores less per frame is not what the script says
_SQUEEZED = -65.0  # a word of four phones and more that scores less was hardly said
_CLOSE = -35.0  # part of a script scores more per frame where it is said: -9 to -20; speech without its words under -50
_OMISSION = 1e-20
_MARGIN = 12  # frames given to a run of words beyond what the tolerant search found
_NEAR = 50  # frames between two runs that belong together
_ENOUGH_WORDS, _ENOUGH_FRAMES = 3, 80  # a run on its own must be as long: shorter ones fit into any speech
_SHORTEST_VOICE = 60  # frames of a run that is all that the voice says


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Run:
    """Steps that follow one another in script and voice."""

    first: int  # step
    placed: list[tuple[WordSpan, ...]]

    @property
    def start(self) -> int:
        return self.placed[0][0].start

    @property
    def end(self) -> int:
        return self.placed[-1][-1].end


Placement = list[tuple[WordSpan, ...] | None]  # for each step of a script its words' spans, None where it was not said


def place_script(decoder: Decoder, features: Array, steps: Sequence[Step], report: Report) -> Placement:
    """Each step of the script where it lies in ``features`` (frames, 13).

    A piece of the line is heard with all that follows in the script; what lies before its widest late pause is kept, and the
    next piece begins there. A piece that the script does not fit may be cut out of the middle of it; otherwise it is searched
    again with leave to skip words and to hear others.
    """
    out: Placement = [None] * len(steps)
    begin = cursor = lead = 0
    while cursor + lead < len(steps) and begin < len(features):
        report.stage("Placing the script in the voice", begin / len(features))
        end = begin + _PIECE if len(features) - begin > _PIECE * 4 // 3 else len(features)
        last = end == len(features)
        taken = steps[cursor:] if last else steps[cursor : cursor + round(_FASTEST * (end - begin) / 100)]
        found = _place_piece(decoder, features[begin:end], taken, last)
        cut = None if last else _cut(found, end - begin - _BEYOND)
        accepted = [i for i, spans in enumerate(found) if spans and (last or (cut and spans[0].start < cut))]
        for i in accepted:
            if i >= lead:
                out[cursor + i] = tuple(span.moved(begin) for span in found[i] or ())
        if last:
            break
        again = accepted[-_LEAD:]
        if accepted and accepted[-1] >= lead and again == list(range(again[0], again[-1] + 1)):
            lead = len(again)
            begin += max(1, (found[again[0]] or ())[0].start - 5)
            cursor += again[0]
        else:
            cursor += max(lead, accepted[-1] + 1 if accepted else 0)
            begin += cut or _PIECE - _BEYOND
            lead = 0
    return out


def _place_piece(decoder: Decoder, features: Array, steps: Sequence[Step], last: bool) -> Placement:
    spans = decoder.place(features, steps, open_end=not last)
    if spans and _fits(spans):
        found = assign([span.name for span in spans], steps, skipping=False)
        strict = [tuple(spans[slice(*where)]) if where else None for where in found]
    else:
        strict = _excerpt(decoder, features, steps)
        if not any(strict):
            return _pick_out(decoder, features, steps)
    doubtful = {i for i, placed in enumerate(strict) if placed and any(_squeezed(span) for span in placed)}
    if doubtful:
        picked = _picked(decoder, features, steps, _OMISSION)
        if all(i in doubtful for i, placed in enumerate(strict) if placed and not picked[i]):
            return picked
    return strict


def _excerpt(decoder: Decoder, features: Array, steps: Sequence[Step]) -> Placement:
    """The steps of a voice that begins or ends within the script and says all between; no step where it does not."""
    spans = decoder.place(features, steps, open_start=True, open_end=True)
    out: Placement = [None] * len(steps)
    if not spans or not _fits(spans) or not said_well(spans):
        return out
    names = [span.name for span in spans]
    for first in range(len(steps)):
        found = assign(names, steps[first:], skipping=False)
        run = [at for at in found if at]
        if run and run[-1][1] == len(names):
            # What is left of a word at the edge may be too little to be that word.
            if any(span.score < _MISFIT for span in spans[slice(*run[0])]):
                first, run = first + 1, run[1:]
            if run and any(span.score < _MISFIT for span in spans[slice(*run[-1])]):
                run = run[:-1]
            if len(run) >= _ENOUGH_WORDS and spans[run[-1][1] - 1].end - spans[run[0][0]].start >= _SHORTEST_VOICE:
                out[first : first + len(run)] = [tuple(spans[slice(*at)]) for at in run]
            break
    return out


def said_well(spans: Sequence[WordSpan]) -> bool:
    """Whether the words sound, all together, as they do where they are really said."""
    frames = sum(span.end - span.start for span in spans)
    return sum(span.score * (span.end - span.start) for span in spans) >= _CLOSE * frames


def _squeezed(span: WordSpan) -> bool:
    """Whether a word of the script looks like one that was not said: pressed into other sounds."""
    return len(span.phones) >= 4 and span.score < _SQUEEZED


def _fits(spans: Sequence[WordSpan]) -> bool:
    """Whether no second of the speech is far from what its words sound like."""
    score = frames = first = 0
    for span in spans:
        score += sum(phone.score for phone in span.phones)
        frames += span.end - span.start
        while frames - (spans[first].end - spans[first].start) >= 100:
            score -= sum(phone.score for phone in spans[first].phones)
            frames -= spans[first].end - spans[first].start
            first += 1
        if frames >= 100 and score < _MISFIT * frames:
            return False
    return frames >= 100 or score >= _MISFIT * frames


def _pick_out(decoder: Decoder, features: Array, steps: Sequence[Step]) -> Placement:
    """What was said of the steps where the voice leaves some out or says more.

    Cheap omissions find more of a script with much that is not said, dear ones more of a voice with much that is not in
    the script (which cheap ones are led astray by): whichever places more is right.
    """
    tries = (_picked(decoder, features, steps, omission) for omission in (_OMISSION * 1e-10, _OMISSION))
    return max(tries, key=lambda found: sum(spans is not None for spans in found))


def _picked(decoder: Decoder, features: Array, steps: Sequence[Step], omission: float) -> Placement:
    out: Placement = [None] * len(steps)
    picked = decoder.pick_out(features, steps, omission)
    where = assign([name for name, _, _ in picked], steps, skipping=True)
    groups: list[list[int]] = []
    for i in (i for i, at in enumerate(where) if at):
        at, before = where[i], where[groups[-1][-1]] if groups else None
        if at and before and groups[-1][-1] == i - 1 and picked[at[0]][1] - picked[before[1] - 1][2] < _NEAR:
            groups[-1].append(i)
        else:
            groups.append([i])
    ends = [(picked[where[g[0]][0]][1], picked[where[g[-1]][1] - 1][2]) for g in groups]  # type: ignore[index]
    runs = []
    for n, group in enumerate(groups):
        # The tolerant search is narrow and its edges are rough: the run is placed again on its own.
        begin = max(ends[n][0] - _MARGIN, (ends[n - 1][1] + ends[n][0]) // 2 if n else 0)
        end = min(ends[n][1] + _MARGIN, (ends[n][1] + ends[n + 1][0]) // 2 if n + 1 < len(groups) else len(features))
        run = steps[group[0] : group[-1] + 1]
        spans = decoder.place(features[begin:end], run)
        if not spans or not _fits(spans):
            continue
        moved = [span.moved(begin) for span in spans]
        placed = assign([span.name for span in spans], run, skipping=False)
        if all(placed):
            runs.append(_Run(first=group[0], placed=[tuple(moved[slice(*at)]) for at in placed if at]))
    for kept in _believed(runs):
        for i, spans_of_step in enumerate(kept.placed):
            out[kept.first + i] = spans_of_step
    return out


def _believed(runs: list[_Run]) -> list[_Run]:
    """The runs that are long enough, and the short ones close to those."""
    long = [len(run.placed) >= _ENOUGH_WORDS and run.end - run.start >= _ENOUGH_FRAMES for run in runs]
    return [
        run
        for n, run in enumerate(runs)
        if long[n]
        or (n and long[n - 1] and run.start - runs[n - 1].end < _NEAR)
        or (n + 1 < len(runs) and long[n + 1] and runs[n + 1].start - run.end < _NEAR)
    ]


def _cut(found: Placement, before: int) -> int | None:
    """The frame to cut at: in the widest gap between words of the half before ``before``; None where there are no words."""
    spans = [span for placed in found for span in placed or ()]
    gaps = [
        (b.start - a.end, (a.end + b.start + 1) // 2)
        for a, b in itertools.pairwise(spans)
        if (a.end + b.start + 1) // 2 <= before
    ]
    late = [gap for gap in gaps if gap[1] > before // 2]
    return max(late)[1] if late else None


def assign(names: Sequence[str], steps: Sequence[Step], *, skipping: bool) -> list[tuple[int, int] | None]:
    """For each step the range of ``names`` that says it, None for those left out.

    ``names`` are a way through ``steps``; where several ways give the same names, steps that follow one another are kept
    together. Without ``skipping``, only steps at the end may be missing.
    """
    # state: names used so far, whether the last step was said -> cost, steps before
    states: dict[tuple[int, bool], tuple[float, tuple[object, ...]]] = {(0, True): (0.0, ())}
    best: tuple[int, float, tuple[object, ...], int] = (0, 0.0, (), 0)
    for step in steps:
        following: dict[tuple[int, bool], tuple[float, tuple[object, ...]]] = {}
        for (used, said), (cost, back) in states.items():
            for way in step:
                if tuple(names[used : used + len(way)]) == way:
                    _offer(following, (used + len(way), True), cost, (back, (used, used + len(way))))
            if skipping:
                _offer(following, (used, False), cost + (1.0 if said else 0.001), (back, None))
        states = following
        for (used, _), (cost, back) in states.items():
            if (used, -cost) > (best[0], -best[1]):
                best = (used, cost, back, 0)
    out: list[tuple[int, int] | None] = []
    chain = best[2]
    while chain:
        out.append(chain[1])  # type: ignore[arg-type]
        chain = chain[0]  # type: ignore[assignment]
    out.reverse()
    return out + [None] * (len(steps) - len(out))


def _offer(
    states: dict[tuple[int, bool], tuple[float, tuple[object, ...]]],
    key: tuple[int, bool],
    cost: float,
    back: tuple[object, ...],
) -> None:
    if key not in states or cost < states[key][0]:
        states[key] = (cost, back)
