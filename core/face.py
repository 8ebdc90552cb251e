"""Face vocabularies: the 52 ARKit blend shapes by channel, and which encoding a face is written in."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .skeleton import Channel

FaceEncoding = Literal["blendshapes", "expressions"]
"""``blendshapes``: ARKit weights. ``expressions``: SMPL-X expression weights with the jaw and eye joints."""

ARKIT: tuple[str, ...] = (
    *(
        "eyeBlinkLeft",
        "eyeLookDownLeft",
        "eyeLookInLeft",
        "eyeLookOutLeft",
        "eyeLookUpLeft",
        "eyeSquintLeft",
        "eyeWideLeft",
    ),
    *("eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight"),
    *("eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker"),
    *("mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight"),
    *("mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper"),
    *("mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft"),
    *("mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp"),
    *("browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft"),
    *("noseSneerRight", "tongueOut"),
)
"""The 52 names in Apple's ``ARFaceAnchor.BlendShapeLocation`` order."""
ARKIT_INDEX: dict[str, int] = {name: index for index, name in enumerate(ARKIT)}

_PREFIXES: dict[Channel, tuple[str, ...]] = {
    "head_gaze": ("eyeLook",),
    "upper_face": ("eyeBlink", "eyeSquint", "eyeWide", "brow", "cheekSquint", "noseSneer"),
    "mouth": ("jaw", "mouth", "cheekPuff", "tongueOut"),
}
CHANNEL_SHAPES: dict[Channel, tuple[int, ...]] = {
    "body": (),
    "hands": (),
    **{channel: tuple(i for i, n in enumerate(ARKIT) if n.startswith(prefixes)) for channel, prefixes in _PREFIXES.items()},
}
"""Each blend shape in exactly one channel."""


def _mirrored(name: str) -> str:
    if name.endswith("Left"):
        return name[:-4] + "Right"
    if name.endswith("Right"):
        return name[:-5] + "Left"
    return name


MIRROR_SHAPES: NDArray[np.intp] = np.array([ARKIT_INDEX[_mirrored(name)] for name in ARKIT])
"""(52,) index of each shape's partner on the other side; ``jawLeft`` and ``mouthLeft`` swap with their rights too.

``eyeLookInLeft`` swaps with ``eyeLookInRight``: *in* is towards the nose on both sides."""
