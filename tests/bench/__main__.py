"""``make bench``: the figures that docs/benchmarks.md keeps, as one table."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .figure import Figure
from .voices import recordings, strung

os.environ.setdefault("OMP_NUM_THREADS", "2")


def main() -> None:
    console = Console(width=140)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures: list[Figure] = []
        wanted = sys.argv[1:]  # only these, by name
        for measure in (
            helps,
            speech_to_npz,
            generators_alone,
            long_line,
            glb,
            blender_landing,
            blender_performing,
            performance,
        ):
            if wanted and measure.__name__ not in wanted:
                continue
            console.print(f"[dim]measuring: {measure.__name__.replace('_', ' ')}[/dim]")
            figures += measure(folder)
    table = Table(title=f"Declaim on {os.cpu_count()} cores, Python {platform.python_version()}")
    for column in ("what", "seen", "reach", ""):
        table.add_column(column)
    for figure in figures:
        table.add_row(
            figure.what, figure.seen, figure.reach, {True: "met", False: "[red]missed[/red]", None: ""}[figure.met]
        )
    console.print(table)


def helps(folder: Path) -> list[Figure]:
    times = []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "declaim.inference.cli", "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - began)
    seen = statistics.median(times)
    return [Figure(what="declaim --help", seen=f"{seen:.2f} s", reach="< 0.30 s", met=seen < 0.3)]


def speech_to_npz(folder: Path) -> list[Figure]:
    if not recordings():
        return [Figure(what="50 s of real speech to npz", seen="skipped: no ../shared/data", reach="", met=None)]
    voice, script, duration = strung(folder, 50.0)
    rows = []
    for what, given, limit in (("with its script", str(script), 0.10), ("without a script", "", 0.25)):
        report = _child("warm", voice, given, folder / "bench.npz")
        cpu = statistics.median(report["cpu"]) / duration
        first = report["cold_cpu"] / duration
        rows.append(
            Figure(
                what=f"{duration:.0f} s of real speech {what} to npz, warm: CPU a second of audio",
                seen=f"{cpu:.3f} s (first line in a new process {first:.3f})",
                reach=f"<= {limit:.2f} s",
                met=cpu <= limit,
            )
        )
    return rows


def generators_alone(folder: Path) -> list[Figure]:
    if not recordings():
        return []
    voice, script, duration = strung(folder, 50.0)
    report = _child("act", voice, str(script), folder / "bench.npz")
    times, cpu = (duration / statistics.median(report[kind]) for kind in ("wall", "cpu"))
    seen = f"{times:.0f} x real time (by CPU time of its {os.environ['OMP_NUM_THREADS']} threads {cpu:.0f} x)"
    return [Figure(what="gesture + visemes alone", seen=seen, reach=">= 100 x", met=times >= 100)]


def long_line(folder: Path) -> list[Figure]:
    if not recordings():
        return []
    voice, script, duration = strung(folder, 1800.0)
    rows = []
    for what, given in (("with its script", str(script)), ("without", "")):
        if not given and os.environ.get("DECLAIM_BENCH_QUICK"):
            continue
        report = _child("once", voice, given, folder / "bench.npz")
        peak = report["peak_bytes"] / 1e9
        rows.append(
            Figure(
                what=f"{duration / 60:.0f} min of audio {what}: peak memory",
                seen=f"{peak:.2f} GB ({report['cold_cpu'] / duration:.3f} s of CPU a second)",
                reach="< 1 GB",
                met=peak < 1,
            )
        )
    return rows


def glb(folder: Path) -> list[Figure]:
    from .glb import bench_glb

    seen = bench_glb(10_000)
    ours, blenders = seen["declaim"], seen.get("blender")
    ratio = f"; Blender's exporter on the same clip {blenders:.1f} s, {blenders / ours:.0f} x" if blenders else ""
    return [Figure(what="GLB of 10,000 frames, built-in body", seen=f"{ours:.2f} s{ratio}", reach="< 1 s", met=ours < 1)]


def blender_landing(folder: Path) -> list[Figure]:
    from .blender_landing import landings

    return landings()


def blender_performing(folder: Path) -> list[Figure]:
    from .blender_performing import performings

    return performings(folder)


def performance(folder: Path) -> list[Figure]:
    from .performance import performances

    return performances(folder)


def _child(mode: str, voice: Path, script: str, output: Path) -> dict[str, float | list[float]]:  # type: ignore[return]
    """Run ``measured.py`` in a process of its own, so that memory and warm-up are its own."""
    command = [sys.executable, "-m", "tests.bench.measured", mode, str(voice), script, str(output)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
