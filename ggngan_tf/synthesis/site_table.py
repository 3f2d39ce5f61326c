"""Reads a user's table of sites: CSV in pixels or in millimetres of patient coordinates."""

import csv
import dataclasses
import math
import pathlib

from ggngan_tf import errors

PIXELS, PATIENT = ("slice", "row", "column"), ("x", "y", "z")
_NEEDED = "slice,row,column (from 0) or x,y,z (mm, LPS), and diameter_mm if wanted"


@dataclasses.dataclass(frozen=True)
class Row:
    """One line: a `place` in pixels, or in mm where `patient` holds, and a diameter or None."""

    where: str
    place: tuple[float, float, float]
    patient: bool
    diameter_mm: float | None


def rows(path: pathlib.Path | str) -> list[Row]:
    """Reads a table with a header line; other columns are left alone, empty lines skipped.

    Raises:
        SiteError: The file cannot be read, lacks columns, has no sites or a value is no number.
    """
    path = pathlib.Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text in UTF-8"
        raise errors.SiteError(
            f"{path}: cannot be read ({reason}); give a CSV file with the columns {_NEEDED}."
        ) from error
    lines = text.splitlines()
    header = lines[0] if lines else ""
    # Spreadsheets in some languages write semicolons.
    reader = csv.DictReader(lines, delimiter=";" if ";" in header else ",", restkey="")
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
    columns = _columns(path, reader.fieldnames)
    found = [_row(f"{path}, line {reader.line_num}", line, columns) for line in reader]
    if not found:
        raise errors.SiteError(f"{path}: has no sites; add a line for each, under {header!r}.")
    return found


def _columns(path, names):
    for columns in (PIXELS, PATIENT):
        if all(name in names for name in columns):
            return columns
    raise errors.SiteError(
        f"{path}, line 1: has the columns {', '.join(names) or 'none'}; needed are {_NEEDED}."
    )


def _row(where, line, columns):
    place = tuple(_number(where, line, name) for name in columns)
    diameter = None
    if (line.get("diameter_mm") or "").strip():
        diameter = _number(where, line, "diameter_mm")
        if diameter <= 0:
            raise errors.SiteError(f"{where}: diameter_mm is {diameter:g}; give mm above 0.")
    return Row(where, place, columns is PATIENT, diameter)


def _number(where, line, name):
    text = (line.get(name) or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise errors.SiteError(f"{where}: {name} is {text!r}; give a number.")
    return value
