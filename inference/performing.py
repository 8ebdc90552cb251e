"""The work behind the commands: perform, transcribe, export a body. Each gives an outcome to show."""

from __future__ import annotations

import dataclasses
import itertools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import InputError
from .desk import Desk
from .orders import Order, request_of

if TYPE_CHECKING:
    from rich.console import Console

    from ..core.speech import Speech


@dataclasses.dataclass(frozen=True, kw_only=True)
class Performed:
    """What ``declaim perform`` made, and how long each stage took."""

    outputs: tuple[Path, ...]
    duration: float  # s of motion
    stages: tuple[tuple[str, float], ...]  # s each

    def to_dict(self) -> dict[str, Any]:
        return {
            "outputs": [str(path) for path in self.outputs],
            "duration": self.duration,
            "stages": [{"stage": text, "seconds": round(seconds, 3)} for text, seconds in self.stages],
        }

    def print(self, console: Console) -> None:
        from rich.table import Table

        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(justify="right")
        table.add_column()
        for text, seconds in self.stages:
            table.add_row(f"{seconds:.2f} s", text)
        console.print(table)
        total = sum(seconds for _, seconds in self.stages)
        console.print(f"{self.duration:.1f} s of performance in {total:.1f} s:")
        for path in self.outputs:
            console.print(f"  {path}", markup=False)


def perform_files(order: Order, desk: Desk) -> Performed:
    """Perform the voice and write every output. Nothing is computed before the outputs are known to be writable."""
    from ..exporters.blender_process import find_blender
    from ..exporters.formats import Take, export, format_of
    from .pipeline import Pipeline

    began = time.perf_counter()
    for path in order.outputs:
        format_of(path)
    if len({path.resolve() for path in order.outputs}) < len(order.outputs):
        raise InputError("The same output was named twice.", hint="Name each file once.")
    _check_outputs(order)
    if any(format_of(path).blender for path in order.outputs):
        find_blender()
    from ..core.body import load_body

    pipeline = Pipeline()
    try:
        clip = pipeline.perform(order.voice, request_of(order), desk)[0]
    finally:
        pipeline.close()
    take = Take(clip=clip, body=load_body(order.body), name=f"{order.voice.stem}_{order.seed}", audio=order.voice)
    export(take, order.outputs, desk)
    return Performed(outputs=order.outputs, duration=clip.duration, stages=_durations(desk, began))


def _check_outputs(order: Order) -> None:
    """Refuse what cannot be written, and what would overwrite a file that the order reads."""
    from ..core.files import writable

    read = (order.voice, order.script, order.body, order.start_pose, order.end_pose, order.pronunciations)
    for path in order.outputs:
        if any(given is not None and _same_file(path, Path(given)) for given in read):
            raise InputError(
                f"{path} is read for this and would be overwritten.", hint="Choose another name for the output."
            )
        writable(path)


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # one of them is not there, or is no path but the script's text
        return False


def _durations(desk: Desk, began: float) -> tuple[tuple[str, float], ...]:
    """Seconds of each stage, in the order in which they began."""
    starts = [("Starting", began), *desk.stages, ("", time.perf_counter())]
    totals: dict[str, float] = {}
    for (name, start), (_, end) in itertools.pairwise(starts):
        totals[name] = totals.get(name, 0.0) + end - start
    return tuple(totals.items())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Transcribed:
    """What ``declaim transcribe`` heard."""

    speech: Speech
    outputs: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        words, phones = self.speech.words or (), self.speech.phones or ()
        return {
            "duration": self.speech.duration,
            "words": [dataclasses.asdict(word) for word in words],
            "phones": [dataclasses.asdict(phone) for phone in phones],
            "outputs": [str(path) for path in self.outputs],
        }

    def print(self, console: Console) -> None:
        from rich.table import Table
        from rich.text import Text

        if self.outputs:
            for path in self.outputs:
                console.print(f"  {path}", markup=False)
            return
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("start", "end", "sure"):
            table.add_column(name, justify="right")
        table.add_column("word")
        table.add_column("sounds", style="dim")
        phones: dict[int, list[str]] = {}
        for phone in self.speech.phones or ():
            phones.setdefault(phone.word, []).append(phone.symbol)
        for index, word in enumerate(self.speech.words or ()):
            text = Text(word.text + word.break_after + (" ?" if word.unsure else ""), style="yellow" if word.unsure else "")
            sure = f"{100 * word.confidence:.0f} %"
            table.add_row(f"{word.start:.2f}", f"{word.end:.2f}", sure, text, " ".join(phones.get(index, [])))
        console.print(table)


def transcribe_files(order: Order, desk: Desk) -> Transcribed:
    """Hear the voice; write the words to each output."""
    from ..plugins.contracts import Transcript
    from .pipeline import Pipeline
    from .transcript_files import check_format, write_transcript

    for path in order.outputs:
        check_format(path)
    _check_outputs(order)
    pipeline = Pipeline()
    try:
        speech = pipeline.hear(order.voice, request_of(order), desk)
    finally:
        pipeline.close()
    for path in order.outputs:
        desk.stage(f"Writing {path.name}")
        write_transcript(Transcript(words=speech.words or (), phones=speech.phones), path, duration=speech.duration)
    return Transcribed(speech=speech, outputs=order.outputs)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BodyExported:
    """Where ``declaim body export`` wrote."""

    output: Path

    def to_dict(self) -> dict[str, Any]:
        return {"output": str(self.output)}

    def print(self, console: Console) -> None:
        console.print(f"  {self.output}", markup=False)


def export_body(output: Path, desk: Desk) -> BodyExported:
    from ..core.body import builtin_body
    from ..core.body_file import export_dense

    if output.suffix.lower() != ".npz":
        raise InputError(f'A body file is an .npz, not "{output.name}".', hint="Name it, for instance, body.npz.")
    desk.stage(f"Writing {output.name}")
    export_dense(builtin_body(), output)
    return BodyExported(output=output)
