"""Putting pictures together: backdrop, soft shadows, the character over them, and text."""

from __future__ import annotations

import functools
import importlib.util
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

INK = (38, 40, 46)
FAINT = (128, 131, 138)
ACCENT = (0, 116, 128)
PAPER = (246, 246, 244)
_MIDDLE, _EDGE = np.array([240, 239, 236]), np.array([196, 199, 204])


@functools.lru_cache(maxsize=4)
def backdrop(width: int, height: int) -> Any:
    """A light studio wall, (RGBA) brighter behind the character."""
    from PIL import Image

    x = (np.arange(width) / width - 0.5) * 1.1
    y = np.arange(height)[:, None] / height - 0.42
    away = np.clip((x**2 + y**2) / 0.5, 0, 1)[..., None]
    # A grain of half a grey level, fixed, keeps the gradient from banding once compressed.
    grain = np.random.Generator(np.random.PCG64(0)).uniform(-0.5, 0.5, (height, width, 1))
    pixels = _MIDDLE + (_EDGE - _MIDDLE) * away + grain
    picture = Image.fromarray(np.round(pixels).clip(0, 255).astype(np.uint8)).convert("RGBA")
    picture.load()
    return picture


def composed(picture: Path, width: int, height: int, shadows: Sequence[Sequence[float]] = ()) -> Any:
    """``picture`` (RGBA, any size) before the backdrop at ``width`` x ``height``; ``shadows`` in the picture's pixels."""
    from PIL import Image

    with Image.open(picture) as opened:
        figure = opened.convert("RGBA")
    canvas = backdrop(width, height).copy()
    scale = width / figure.width
    for x, y, wide, high, dark in shadows:
        stamp = _shadow(max(1, round(wide * scale)), max(1, round(high * scale)), round(dark * 90))
        corner = (round(x * scale) - stamp.width // 2, round(y * scale) - stamp.height // 2)
        canvas.alpha_composite(*_inside(stamp, corner))
    if scale != 1:
        # Colours weighted by alpha, or dark fringes appear.
        figure = figure.convert("RGBa").resize((width, height), Image.Resampling.HAMMING).convert("RGBA")
    canvas.alpha_composite(figure)
    return canvas


@functools.lru_cache(maxsize=256)
def _shadow(wide: int, high: int, dark: int) -> Any:
    from PIL import Image

    x, y = np.linspace(-2, 2, 4 * wide + 1), np.linspace(-2, 2, 4 * high + 1)[:, None]
    pixels = np.zeros((len(y), len(x), 4), np.uint8)
    pixels[..., :3] = (40, 42, 50)
    pixels[..., 3] = dark * np.clip(np.exp(-1.2 * (x**2 + y**2)) - 0.008, 0, 1)
    return Image.fromarray(pixels)


def _inside(stamp: Any, corner: tuple[int, int]) -> tuple[Any, tuple[int, int]]:
    """``stamp`` without what lies above or left of the canvas, which Pillow refuses, and the corner to put it at."""
    left, top = max(0, -corner[0]), max(0, -corner[1])
    kept = stamp.crop((min(left, stamp.width - 1), min(top, stamp.height - 1), stamp.width, stamp.height))
    return kept, (max(0, corner[0]), max(0, corner[1]))


def font(text: str, size: int) -> Any:
    """A typeface that can write ``text``: one of those that come with Blender, or Pillow's own (Latin only)."""
    from PIL import ImageFont

    name = _typeface(text)
    return _loaded(name, size) if name else ImageFont.load_default(size)


@functools.lru_cache(maxsize=64)
def _loaded(path: str, size: int) -> Any:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(path, size)
    except OSError:
        return ImageFont.load_default(size)


def _typeface(text: str) -> str:
    fonts = _fonts()
    for character in text:
        if ord(character) >= 0x530:
            script = unicodedata.name(character, "").split(" ")[0].title()
            wanted = "Noto Sans CJK" if script in ("Cjk", "Hiragana", "Katakana", "Hangul") else f"NotoSans{script}"
            found = next((path for path in fonts if Path(path).name.startswith(wanted)), "")
            if found:
                return found
    return next((path for path in fonts if Path(path).name.startswith(("Inter", "DejaVuSans."))), "")


@functools.lru_cache(maxsize=1)
def _fonts() -> tuple[str, ...]:
    """The fonts of Blender's Python module, where it is installed, and of the system's usual folders."""
    spec = importlib.util.find_spec("bpy")
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    found = [path for folder in folders for path in sorted(folder.glob("*/datafiles/fonts/*"))]
    for name in ("/usr/share/fonts", "/System/Library/Fonts", "C:/Windows/Fonts"):
        found += sorted(path for path in Path(name).rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc", ".woff2"))
    return tuple(str(path) for path in found)
