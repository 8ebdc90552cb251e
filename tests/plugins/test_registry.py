"""Plugins are found without importing them; a broken one is a row with its error; an outside one performs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from declaim.core.errors import InputError, ModelMissing, PluginError
from declaim.plugins import registry
from declaim.plugins.manifest import read_manifest
from declaim.plugins.parameters import complete, from_text

EXAMPLE = Path(__file__).parent.parent / "data" / "plugins" / "bobbing"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's plugin folder with the example in it."""
    shutil.copytree(EXAMPLE, tmp_path / "bobbing", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("DECLAIM_PLUGINS", str(tmp_path))
    return tmp_path


def rewrite(folder: Path, old: str, new: str) -> Path:
    path = folder / "bobbing" / "plugin.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return folder / "bobbing"


def test_ours_are_found_that_way_too() -> None:
    ours = {row.id: row for row in registry.find_plugins() if row.origin == "built-in"}
    assert set(ours) == {"gesture", "visemes", "pocketsphinx", "vosk", "import"}
    assert all(row.error is None for row in ours.values())


def test_every_channel_has_a_default_generator() -> None:
    made = {channel for name in ("gesture", "visemes") for channel in registry.find("generator", name).channels}
    assert made == {"body", "hands", "head_gaze", "upper_face", "mouth"}


def test_finding_imports_nothing(folder: Path) -> None:
    (folder / "bobbing" / "bobbing.py").write_text("raise SystemExit('imported')")
    assert "bobbing" in {row.id for row in registry.find_plugins() if row.error is None}


def test_a_broken_plugin_is_a_row(folder: Path) -> None:
    rewrite(folder, 'kind = "generator"', 'kind = "juggler"')
    row = next(row for row in registry.find_plugins() if row.id == "bobbing")
    assert row.manifest is None
    assert "juggler" in str(row.error)
    with pytest.raises(PluginError, match="juggler"):
        registry.find("generator", "bobbing")


def test_a_second_plugin_of_one_name_is_a_row_with_an_error(folder: Path) -> None:
    rewrite(folder, 'id = "bobbing"', 'id = "gesture"')
    rows = [row for row in registry.find_plugins() if row.folder.name in ("bobbing", "gesture")]
    assert [row.error is None for row in rows] == [True, False]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Bobbing head"', "", '"title" is missing'),
        ('version = "1"', 'version = "1"\nlicense = "x"', "did you mean licence"),
        ('entry = "bobbing:Bobbing"', 'entry = "nodding:Bobbing"', "no nodding.py"),
        ('entry = "bobbing:Bobbing"', 'entry = "bobbing"', "must read module:Class"),
        ('needs = ["energy"]', 'needs = ["smell"]', 'needs has "smell"'),
        ('channels = ["head_gaze"]', "channels = []", "must name the channels"),
        ('channels = ["head_gaze"]', 'channels = ["mouth"]', "which encodings"),
        ("default = 8.0", "default = 80.0", "the most is 30"),
        ('type = "number"', 'type = "number"\nformat = "file"', "only a string has one"),
        ('type = "number"', 'type = "vector"', "must have a type"),
        ("abilities = []", "abilities = [", "not valid TOML"),
        ('id = "bobbing"', 'id = "Bobbing=1.2"', "small letters"),
    ],
)
def test_a_manifest_says_what_is_wrong(folder: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(PluginError) as caught:
        read_manifest(rewrite(folder, old, new))
    assert said in str(caught.value)


def test_unknown_plugin_names_the_near_ones() -> None:
    with pytest.raises(PluginError, match="Did you mean gesture"):
        registry.find("generator", "gestures")
    with pytest.raises(PluginError, match="Did you mean pocketsphinx"):
        registry.find("transcriber", "pocketsphynx")


def test_a_plugin_that_lacks_a_package_says_how_to_get_it(folder: Path) -> None:
    rewrite(folder, 'entry = "bobbing:Bobbing"', 'entry = "bobbing:Bobbing"\nextra = "bobbing"')
    (folder / "bobbing" / "bobbing.py").write_text("import a_package_that_is_not_there")
    with pytest.raises(ModelMissing, match=r"declaim\[bobbing\]"):
        registry.instance(registry.find("generator", "bobbing"))


def test_a_class_without_the_contract_is_refused(folder: Path) -> None:
    (folder / "bobbing" / "bobbing.py").write_text("class Bobbing: ...")
    with pytest.raises(PluginError, match="is no generator"):
        registry.generator(registry.find("generator", "bobbing"))


def test_weights_are_checked(folder: Path) -> None:
    path = folder / "bobbing" / "plugin.toml"
    row = '\n[[weights]]\nfile = "w.onnx"\nsha256 = "00"\nlicence = "CC0-1.0"\n'
    path.write_text(path.read_text() + row)
    with pytest.raises(ModelMissing, match=r"misses its weights w\.onnx"):
        registry.instance(registry.find("generator", "bobbing"))
    (folder / "bobbing" / "w.onnx").write_bytes(b"other")
    with pytest.raises(ModelMissing, match="not the ones"):
        registry.instance(registry.find("generator", "bobbing"))


def test_an_installed_package_brings_its_plugin(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    shutil.copytree(folder / "bobbing", site / "bobbing_package")
    (site / "bobbing_package" / "__init__.py").write_text("raise SystemExit('imported')")
    info = site / "bobbing_package-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bobbing-package\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[declaim.plugins]\nbobbing = bobbing_package\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    monkeypatch.delenv("DECLAIM_PLUGINS")
    row = next(row for row in registry.find_plugins() if row.id == "bobbing")
    assert (row.origin, row.error) == ("installed", None)


def test_parameters_are_completed_and_checked() -> None:
    schema = read_manifest(EXAMPLE).parameters
    assert complete("bobbing", schema, {}) == {"depth": 8.0}
    assert complete("bobbing", schema, {"depth": 3}) == {"depth": 3.0}
    with pytest.raises(InputError, match="Did you mean depth"):
        complete("bobbing", schema, {"dept": 3})
    with pytest.raises(InputError, match="the most is 30"):
        complete("bobbing", schema, {"depth": 31})
    with pytest.raises(InputError, match="must be a number"):
        complete("bobbing", schema, {"depth": "deep"})
    assert from_text(schema, "depth", "2.5") == 2.5
    assert from_text(schema, "depth", "deep") == "deep"
