"""Motion files in and out: entries of File > Import and File > Export."""

from __future__ import annotations

CLASSES = ()
