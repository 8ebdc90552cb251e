"""One measurement in a process of its own: ``measured.py warm|act|once VOICE SCRIPT OUTPUT`` prints JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from declaim.core.body import load_body
from declaim.core.clip_file import save_clip
from declaim.core.report import SilentReport
from declaim.core.wire import PerformRequest
from declaim.inference.casting import cast
from declaim.inference.pipeline import Pipeline

REPEATS = 5


def main() -> None:
    mode, voice, script, output = sys.argv[1:]
    request = PerformRequest(script=Path(script).read_text(encoding="utf-8") if script else None)
    pipeline, path = Pipeline(), Path(voice)
    seen: dict[str, object] = {}
    began = time.process_time()
    save_clip(pipeline.perform(path, request, SilentReport())[0], Path(output))
    seen["cold_cpu"] = time.process_time() - began
    if mode == "warm":
        cpu = []
        for _ in range(REPEATS):
            began = time.process_time()
            save_clip(pipeline.perform(path, request, SilentReport())[0], Path(output))
            cpu.append(time.process_time() - began)
        seen["cpu"] = cpu
    elif mode == "act":
        castings, body = cast(request), load_body(None)
        speech = pipeline.hear(path, request, SilentReport(), castings=castings)
        wall, cpu = [], []
        for _ in range(REPEATS):
            start, began = time.perf_counter(), time.process_time()
            pipeline.act(speech, request, castings, body, SilentReport())
            wall.append(time.perf_counter() - start)
            cpu.append(time.process_time() - began)
        seen["wall"], seen["cpu"] = wall, cpu
    seen["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
