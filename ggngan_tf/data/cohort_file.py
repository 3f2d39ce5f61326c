"""Keeps a cohort as CSV, one line a nodule."""

import csv
import dataclasses
import io
import pathlib
from collections.abc import Iterable

from ggngan_tf import errors, files
from ggngan_tf.data import cohort


def write(found: Iterable[cohort.Nodule], path: pathlib.Path) -> None:
    """Writes a cohort as CSV, whole or not at all.

    Raises:
        OutputError: The folder cannot be written to, or the disk is full.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in dataclasses.fields(cohort.Nodule))
    for nodule in found:
        writer.writerow(_cell(value) for value in dataclasses.asdict(nodule).values())
    files.write_text(path, text.getvalue())


def read(path: pathlib.Path) -> list[cohort.Nodule]:
    """Reads a cohort that `write` wrote; further columns are ignored.

    Raises:
        CohortError: A column is missing, a value is not a number where one is needed, or the file
            holds no rows.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise errors.CohortError(f"{path}: cannot be read as CSV ({error}).") from error
    if not lines:
        raise errors.CohortError(f"{path}: holds no nodules; make it with `ggngan cohort`.")
    absent = [f.name for f in dataclasses.fields(cohort.Nodule) if f.name not in lines[0]]
    if absent:
        raise errors.CohortError(
            f"{path}: column {absent[0]} is missing; make the file with `ggngan cohort`."
        )
    return [_parsed(row, f"{path}, line {number}") for number, row in enumerate(lines, start=2)]


def _cell(value):
    return ";".join(map(str, value)) if isinstance(value, tuple) else value


def _parsed(row, where):
    values = {}
    for field in dataclasses.fields(cohort.Nodule):
        text = (row[field.name] or "").strip()
        try:
            values[field.name] = _value(field.type, text)
        except ValueError as error:
            raise errors.CohortError(
                f"{where}: column {field.name} is {text!r}, needed is a number; mend the line."
            ) from error
    return cohort.Nodule(**values)


def _value(kind, text):
    if kind in (str, int, float):
        return kind(text)
    return tuple(int(part) for part in text.split(";"))
