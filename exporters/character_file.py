"""A character and its performance as one npz, to hand to a child process."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.body import Material
from .character import Character, Part, Performance, Shape

Array = NDArray[Any]


def save(character: Character, performance: Performance, path: Path) -> None:
    """Both in one npz, with a JSON header; no pickle."""
    arrays: dict[str, Array] = {"joints": character.joints}
    parts = []
    for number, part in enumerate(character.parts):
        prefix = f"part{number}_"
        arrays[prefix + "vertices"], arrays[prefix + "triangles"] = part.vertices, part.triangles
        arrays[prefix + "weights"], arrays[prefix + "material_of"] = part.weights, part.material_of
        if part.corner_uvs is not None:
            arrays[prefix + "corner_uvs"] = part.corner_uvs
        for index, shape in enumerate(part.shapes):
            arrays[f"{prefix}shape{index}_indices"] = shape.indices
            arrays[f"{prefix}shape{index}_deltas"] = shape.deltas
        materials = [dataclasses.asdict(material) for material in part.materials]
        for index, material in enumerate(materials):
            texture = material.pop("texture")
            if texture is not None:
                arrays[f"{prefix}texture{index}"] = np.frombuffer(texture, np.uint8)
        parts.append({"name": part.name, "materials": materials, "shapes": [shape.name for shape in part.shapes]})
    for name in ("quaternions", "trans", "shape_weights"):
        arrays[name] = getattr(performance, name)
    header = {
        "name": character.name,
        "joint_names": character.joint_names,
        "parents": character.parents,
        "parts": parts,
        "shape_names": character.shape_names,
        "shape_range": character.shape_range,
        "performance": performance.name,
        "fps": performance.fps,
    }
    np.savez(path, allow_pickle=False, header=np.array(json.dumps(header)), **arrays)  # type: ignore[arg-type]


def load(path: Path) -> tuple[Character, Performance]:
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    header = json.loads(str(arrays["header"]))
    parts = []
    for number, row in enumerate(header["parts"]):
        prefix = f"part{number}_"
        parts.append(
            Part(
                name=row["name"],
                vertices=arrays[prefix + "vertices"],
                triangles=arrays[prefix + "triangles"],
                weights=arrays[prefix + "weights"],
                corner_uvs=arrays.get(prefix + "corner_uvs"),
                materials=tuple(
                    _material(material, arrays.get(f"{prefix}texture{index}"))
                    for index, material in enumerate(row["materials"])
                ),
                material_of=arrays[prefix + "material_of"],
                shapes=tuple(
                    Shape(
                        name=name,
                        indices=arrays[f"{prefix}shape{index}_indices"],
                        deltas=arrays[f"{prefix}shape{index}_deltas"],
                    )
                    for index, name in enumerate(row["shapes"])
                ),
            )
        )
    names = tuple(header["shape_names"])
    character = Character(
        name=header["name"],
        joint_names=tuple(header["joint_names"]),
        parents=tuple(header["parents"]),
        joints=arrays["joints"],
        parts=tuple(parts),
        shape_names=names,
        shape_range=(header["shape_range"][0], header["shape_range"][1]),
    )
    performance = Performance(
        name=header["performance"],
        fps=header["fps"],
        quaternions=arrays["quaternions"],
        trans=arrays["trans"],
        shape_names=names,
        shape_weights=arrays["shape_weights"],
    )
    return character, performance


def _material(row: dict[str, Any], texture: Array | None) -> Material:
    colour = row.pop("base_color")
    return Material(**row, base_color=tuple(colour), texture=None if texture is None else texture.tobytes())
