"""Which folder holds the Vosk model, and whether it is one: checked here, for native code aborts on some broken models."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import struct
from pathlib import Path

from ...core.errors import ModelMissing

_WHERE = (
    "Unpack a model from https://alphacephei.com/vosk/models and name its folder: in Declaim's preferences in Blender, "
    "by -p model=FOLDER, or by VOSK_MODEL_PATH."
)
_FST_MAGIC = 2125659606  # the first four bytes of every OpenFst file, little-endian
_DEFAULT_CEPSTRA = 13  # Kaldi's --num-ceps where mfcc.conf is silent


def model_folder(parameter: str) -> Path:
    """The folder that ``parameter``, or else VOSK_MODEL_PATH, names. Raises ModelMissing where it holds no whole model."""
    named = parameter.strip() or os.environ.get("VOSK_MODEL_PATH", "").strip()
    if not named:
        raise ModelMissing("Vosk needs a model folder and none is named.", hint=_WHERE)
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise ModelMissing(f"The Vosk model folder {folder} does not exist.", hint=_WHERE)
    problem = _problem(folder)
    if problem:
        raise ModelMissing(f"{folder} is no whole Vosk model: {problem}.", hint=_WHERE)
    return folder


def _problem(folder: Path) -> str | None:
    """What is missing or damaged, or None. Layouts as in Vosk's model.cc: am/, conf/ and graph/, or all in one folder."""
    flat = (folder / "final.mdl").is_file() and not (folder / "am" / "final.mdl").is_file()
    am, conf, graph = (folder, folder, folder) if flat else (folder / "am", folder / "conf", folder / "graph")
    whole = (graph / "HCLG.fst").is_file()
    graphs = [graph / "HCLG.fst"] if whole else [graph / "HCLr.fst", graph / "Gr.fst"]
    others = [am / "final.mdl", conf / "mfcc.conf", *([graph / "words.txt"] if whole else [])]
    for path in [*others, *graphs]:
        if not path.is_file():
            inner = sorted(child.name for child in folder.iterdir() if (child / "am" / "final.mdl").is_file())
            if inner:
                return f"the model lies in {inner[0]} inside it"
            return f"{path.relative_to(folder).as_posix()} is missing"
        if path.stat().st_size == 0:
            return f"{path.relative_to(folder).as_posix()} is empty"
    for path in graphs:
        with path.open("rb") as file:
            head = file.read(4)
        if len(head) < 4 or struct.unpack("<I", head)[0] != _FST_MAGIC:
            return f"{path.relative_to(folder).as_posix()} is no OpenFst file"
    return _network_problem(am / "final.mdl", conf / "mfcc.conf")


def _network_problem(network: Path, features: Path) -> str | None:
    """A network that is none, or that wants other features than mfcc.conf makes (Vosk sees that only with a voice)."""
    with network.open("rb") as file, contextlib.closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as data:
        if b"<TransitionModel>" not in data[:64] or data.find(b"<Nnet3>") < 0:
            return f"{network.name} is no nnet3 model"
        node = re.search(rb"input-node name=input dim=(\d+)", data)
        wanted = int(node[1]) if node else 0
    option = re.search(r"^\s*--num-ceps\s*=\s*(\d+)", features.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    made = int(option[1]) if option else _DEFAULT_CEPSTRA
    if wanted and wanted != made:
        return f"{network.name} wants {wanted} cepstra and {features.name} makes {made}"
    return None
