"""Voices and motion files dropped onto the 3D viewport."""

from __future__ import annotations

CLASSES = ()
