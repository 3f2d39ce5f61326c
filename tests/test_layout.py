"""Holds the two rules of docs/design.md: imports point one way, and one door a library."""

import ast
import configparser
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
# From the ground up; rooms of one line may not import each other.
FLOORS = [
    {"errors"},
    {"files"},
    {"settings_file"},
    {"config"},
    {"parallel", "quiet"},
    {"inpainting"},
    {"data"},
    {"losses", "radiomic_loss", "models"},
    {"evaluation"},
    {"training"},
    {"synthesis"},
    {"turing"},
    {"study"},
    {"report"},
    {"demo", "doctor"},
    {"cli"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
DOORS = {
    "pylidc": "ggngan_tf/data/lidc.py",
    "pydicom": "ggngan_tf/data/dicom/",
    "highdicom": "ggngan_tf/data/dicom/",
    "h5py": "ggngan_tf/data/nodules/",
    "cv2": "ggngan_tf/data/lungs/",
    "radiomics": "ggngan_tf/evaluation/radiomics.py",
    "click": "cli/",
}
SOURCES = sorted([*ROOT.glob("ggngan_tf/**/*.py"), *ROOT.glob("cli/*.py")])


def imports(path):
    """Yields the full name of each module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path):
    parts = path.relative_to(ROOT).parts
    return "cli" if parts[0] == "cli" else pathlib.Path(parts[1]).stem


def named(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_imports_point_one_way(path):
    here = room(path)
    if here == "__init__":
        return
    for name in imports(path):
        if name.startswith("ggngan_tf."):
            there = name.split(".")[1]
            if there in FLOOR and there != here:
                assert FLOOR[there] < FLOOR[here], f"{named(path)} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_each_library_has_one_door(path):
    for name in imports(path):
        door = DOORS.get(name.split(".")[0])
        assert door is None or named(path).startswith(door), f"{named(path)} imports {name}"


def test_every_room_has_its_floor():
    rooms = {room(path) for path in SOURCES} - {"__init__"}
    assert rooms == set(FLOOR), "put a new room into FLOORS and into docs/design.md"


def test_every_package_is_installed():
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg")
    listed = set(metadata["options"]["packages"].split())
    folders = {path.parent.relative_to(ROOT) for path in ROOT.glob("ggngan_tf/**/__init__.py")}
    found = {".".join(folder.parts) for folder in folders}
    assert listed == found | {"ggngan_tf.cli", "ggngan_tf.saved_models"}


def test_help_of_every_command_loads_nothing_heavy():
    code = """
import sys
from click.testing import CliRunner
from ggngan_tf.cli import main
for command in [[], *([name] for name in main.COMMANDS)]:
    done = CliRunner().invoke(main.main, [*command, "--help"])
    assert done.exit_code == 0, (command, done.output, done.exception)
heavy = {"tensorflow", "keras", "pydicom", "radiomics", "SimpleITK", "pandas", "matplotlib"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
