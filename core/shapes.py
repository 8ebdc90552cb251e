"""Shapes of the built-in body that have a name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SHAPES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        # man to woman, height, weight, muscle
        "man": (-1.0, 0.35, 0.1, 0.5),
        "woman": (1.0, -0.2, 0.0, -0.1),
    }
)
"""Name -> betas, in the order of the built-in body's shape directions."""
