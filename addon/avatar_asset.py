"""The avatar as an asset: marked in this file, and saved into one of the artist's asset libraries."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import EnumProperty

from ..core.errors import DeclaimError, InputError
from . import status

_CATALOG = "5b0c1f3e-6f1b-4c38-9a4e-6a8f5a1d7c10"
_CATALOG_PATH = "Characters/Declaim"
_CATALOGS_FILE = "blender_assets.cats.txt"
_CATALOGS_HEAD = "# This is an Asset Catalog Definition file for Blender.\n\nVERSION 1\n\n"
_DESCRIPTION = (
    "Declaim's own character: 55 bones with SMPL-X joint names, the 52 ARKit face shapes, ten expressions, body shape, "
    "flesh that follows the pose"
)


def mark(collection: bpy.types.Collection, picture: Path) -> None:
    """Make ``collection`` an asset, with ``picture`` (a PNG) as its preview where that is there."""
    collection.asset_mark()
    data = collection.asset_data
    data.author, data.license, data.description = "Declaim", "CC0-1.0", _DESCRIPTION
    data.copyright = "No rights reserved"
    data.catalog_id = _CATALOG
    for tag in ("character", "rigged", "face", "ARKit", "SMPL-X"):
        data.tags.new(tag, skip_if_exists=True)
    if picture.is_file():
        _show(collection, picture)


def _show(collection: bpy.types.Collection, picture: Path) -> None:
    """Its preview from a file: needs no window."""
    import numpy as np

    image = bpy.data.images.load(str(picture))
    try:
        pixels = np.empty(image.size[0] * image.size[1] * image.channels, dtype=np.float32)
        image.pixels.foreach_get(pixels)
        preview = collection.preview_ensure()
        preview.image_size = image.size
        preview.image_pixels_float.foreach_set(pixels)
    finally:
        bpy.data.images.remove(image)


def avatar_collection(rig: bpy.types.Object | None) -> bpy.types.Collection | None:
    """The collection that is the asset of ``rig``."""
    if rig is None:
        return None
    return next((row for row in rig.users_collection if row.asset_data is not None), None)


def libraries(operator: object, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    """The artist's asset libraries, as enum items."""
    rows = [(row.name, row.name, row.path) for row in context.preferences.filepaths.asset_libraries]
    libraries.kept = rows or [("", "No asset library", "Add one in Preferences > File Paths")]  # Blender keeps no strings
    return libraries.kept


class DECLAIM_OT_save_avatar_asset(bpy.types.Operator):
    """Save the avatar into an asset library"""

    bl_idname = "declaim.save_avatar_asset"
    bl_label = "Save Avatar as Asset"
    bl_description = "Save the avatar, with its shape and takes, as a file in one of your asset libraries"
    bl_options = {"REGISTER"}

    library: EnumProperty(name="Library", description="The asset library", items=libraries)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if avatar_collection(context.object) is None:
            cls.poll_message_set("Select the armature of a built-in avatar")
            return False
        if not len(context.preferences.filepaths.asset_libraries):
            cls.poll_message_set("Add an asset library in Preferences > File Paths first")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            path = save(avatar_collection(context.object), self._folder(context))
        except DeclaimError as error:
            return status.fail(self, error)
        self.report({"INFO"}, f"Saved {path}")
        return {"FINISHED"}

    def _folder(self, context: bpy.types.Context) -> Path:
        return Path(bpy.path.abspath(context.preferences.filepaths.asset_libraries[self.library].path))


def save(collection: bpy.types.Collection, folder: Path) -> Path:
    """Write ``collection`` and all that it needs as a file of its own in ``folder``; returns that file. Raises InputError or
    ExportError where the folder cannot be written to."""
    from ..core.files import replacing

    path = folder / f"{bpy.path.clean_name(collection.name, replace=' ')}.blend"
    with replacing(path) as temporary:
        try:
            bpy.data.libraries.write(str(temporary), {collection}, fake_user=True, compress=True)
        except RuntimeError as error:
            raise InputError(
                f'"{path}" cannot be written.', hint="Choose a library in a folder that you may write to."
            ) from error
    _add_catalog(folder)
    return path


def _add_catalog(folder: Path) -> None:
    from ..core.files import replacing

    path = folder / _CATALOGS_FILE
    text = path.read_text("utf-8") if path.is_file() else _CATALOGS_HEAD
    if _CATALOG not in text:
        with replacing(path) as temporary:
            Path(temporary).write_text(f"{text.rstrip()}\n{_CATALOG}:{_CATALOG_PATH}:Declaim\n", "utf-8")


CLASSES = (DECLAIM_OT_save_avatar_asset,)
