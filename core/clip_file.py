"""Clips as .npz: a valid AMASS/BEAT2 file plus our fields as one JSON string. Never pickle."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .clip import FORMAT_VERSION, BodyRef, GeneratorRef, MotionClip, Provenance
from .errors import ClipError
from .face import ARKIT, ARKIT_INDEX
from .files import replacing
from .skeleton import JOINT_COUNT
from .timeline import Timeline

Array = NDArray[Any]
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed date, so that the same clip gives the same bytes


def save_clip(clip: MotionClip, path: Path) -> None:
    """Write ``clip`` as npz: ``poses`` (T, 165), ``trans``, ``betas``, ``expressions``, ``gender``,
    ``mocap_frame_rate`` as AMASS and BEAT2 have them, then ``blendshapes``, ``contacts`` and ``declaim`` (JSON).

    Raises ExportError where the file cannot be written.
    """
    header = {
        "format_version": clip.format_version,
        "body": dataclasses.asdict(clip.body),
        "blendshape_names": list(ARKIT),
        **record_of(clip),
    }
    arrays: dict[str, Any] = {
        "poses": clip.poses.reshape(len(clip), -1),
        "trans": clip.trans,
        "betas": clip.betas,
        "expressions": clip.expressions,
        "gender": np.array("neutral"),
        "mocap_frame_rate": np.array(float(clip.fps)),
        "blendshapes": clip.blendshapes,
        "contacts": clip.contacts,
        "declaim": np.array(json.dumps(header, ensure_ascii=False, sort_keys=True, allow_nan=False)),
    }
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.save(member, array, allow_pickle=False)
            # writestr, for a member opened by its ZipInfo is stored uncompressed, whatever the archive says.
            info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            archive.writestr(info, member.getbuffer(), compress_type=zipfile.ZIP_DEFLATED, compresslevel=1)


def record_of(clip: MotionClip) -> dict[str, Any]:
    """What is known of a clip beside its motion, for JSON: its timeline and its provenance."""
    return {"timeline": clip.timeline.to_dict(), "provenance": dataclasses.asdict(clip.provenance)}


def read_record(record: Mapping[str, Any]) -> tuple[Timeline, Provenance]:
    """The inverse of ``record_of``. Raises ClipError or one of Python's lookup and type errors where it was damaged."""
    provenance = dict(record.get("provenance", {}))
    provenance["generators"] = tuple(
        GeneratorRef(id=row["id"], version=row["version"], channels=tuple(row["channels"]))
        for row in provenance.get("generators", ())
    )
    provenance["warnings"] = tuple(provenance.get("warnings", ()))
    return Timeline.from_dict(record.get("timeline", {})), Provenance(**provenance)


def load_clip(path: Path) -> MotionClip:
    """Read a clip from our npz, or from a SMPL-X or SMPL+H motion file in AMASS/BEAT2 layout (its blend shapes are zero).

    Another program's file is taken as it is, whichever way is up (``core.foreign_clip``).

    Raises ClipError where the file is missing, damaged or of another kind.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            present = {name[:-4] for name in archive.namelist() if name.endswith(".npy")}
            arrays = {name: _array(archive, name) for name in _READ if name in present}
    except FileNotFoundError:
        raise ClipError(f"There is no file {path}.", hint="Check the path.") from None
    except _PickledError as error:
        raise ClipError(
            f'"{error}" in {path} is a pickled Python object, which Declaim never opens.',
            hint="Save it again as a plain array of numbers.",
        ) from None
    except OSError as error:
        raise ClipError(
            f"{path} cannot be read: {(error.strerror or str(error)).lower()}.", hint="Check the path and its permissions."
        ) from None
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, MemoryError) as error:
        reason = "not an npz archive" if isinstance(error, zipfile.BadZipFile) else str(error)
        raise ClipError(f"{path} is not a motion file ({reason}).", hint=_WANTED) from None
    missing = [name for name in ("poses", "trans") if name not in arrays]
    if missing:
        raise ClipError(f"{path} has no {' and no '.join(missing)}.", hint=_WANTED)
    try:
        header = json.loads(str(arrays["declaim"])) if "declaim" in arrays else {}
        if header.get("format_version", 1) > FORMAT_VERSION:
            raise ClipError(f"{path} was written by a newer version of Declaim.", hint="Update Declaim to read it.")
        return _from_arrays(arrays, header)
    except ClipError as error:
        if str(path) in error.message:
            raise
        reason = error.message[0].lower() + error.message[1:]
        raise ClipError(f"{path} cannot be used: {reason}", hint=error.hint) from None
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise ClipError(
            f"{path} cannot be read ({error}).", hint="The file was damaged or written by another program."
        ) from None


_WANTED = "Give an .npz that Declaim, AMASS or BEAT2 wrote."
_SMPLH_JOINTS = 52  # what most of AMASS has: SMPL-X's joints without jaw and eyes
_RATES = ("mocap_frame_rate", "mocap_framerate", "fps")
_READ = ("poses", "trans", "betas", "expressions", "blendshapes", "contacts", "declaim", *_RATES)


class _PickledError(Exception):
    """An array that only pickle could open; its name."""


def _array(archive: zipfile.ZipFile, name: str) -> Array:
    """One array of the archive. Arrays that we have no use for are never opened: other programs pickle some."""
    with archive.open(f"{name}.npy") as member:
        try:
            return np.asarray(np.load(io.BytesIO(member.read()), allow_pickle=False))
        except ValueError as error:
            if "pickle" in str(error):
                raise _PickledError(name) from None
            raise


def _from_smplh(poses: Array) -> Array:
    """(T, 52, 3) as (T, 55, 3): jaw and eyes at rest."""
    widened = np.zeros((len(poses), JOINT_COUNT, 3), poses.dtype)
    widened[:, :22], widened[:, 25:] = poses[:, :22], poses[:, 22:]
    return widened


def _from_arrays(arrays: dict[str, Any], header: dict[str, Any]) -> MotionClip:
    poses = arrays["poses"]
    frames = len(poses)
    width = int(np.prod(poses.shape[1:]))
    if width == _SMPLH_JOINTS * 3:
        poses = _from_smplh(poses.reshape(frames, _SMPLH_JOINTS, 3))
    elif width != JOINT_COUNT * 3:
        raise ValueError(f"its poses have {width} numbers a frame, not {JOINT_COUNT * 3}: it is not a SMPL-X motion")
    rate = next((float(arrays[name].reshape(-1)[0]) for name in _RATES if name in arrays), 30.0)
    names = header.get("blendshape_names", list(ARKIT))
    blendshapes = np.zeros((frames, len(ARKIT)), dtype=np.float32)
    if "blendshapes" in arrays:
        for column, name in enumerate(names):
            if name in ARKIT_INDEX:
                blendshapes[:, ARKIT_INDEX[name]] = arrays["blendshapes"][:, column]
    betas = arrays.get("betas", np.zeros(10))
    timeline, provenance = read_record(header)
    return MotionClip(
        fps=rate,
        body=BodyRef(**header["body"]) if "body" in header else BodyRef(id="unknown", sha256=""),
        poses=poses.reshape(frames, JOINT_COUNT, 3),
        trans=arrays["trans"],
        blendshapes=blendshapes,
        expressions=arrays.get("expressions", np.zeros((frames, 0))),
        betas=betas[0] if betas.ndim == 2 and len(betas) else betas,  # some files repeat them for each frame
        contacts=arrays.get("contacts", np.zeros((frames, 4))),
        timeline=timeline,
        provenance=provenance,
    )
