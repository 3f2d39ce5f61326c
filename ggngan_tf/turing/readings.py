"""The table of answers that every score is computed from, wherever the reading took place.

A reading is one row: reader, case, occasion (1, or 2 for a repeat), position in the reader's
session, rating 1 (confidently fake) to 4 (confidently real), seconds (NaN where unknown) and
comment. With the key come `real` (bool), `diameter_mm` and the rest of what the key says.
"""

import pathlib
import zipfile

import numpy as np
import pandas as pd

from ggngan_tf import errors, files
from ggngan_tf.turing import design as design_
from ggngan_tf.turing import documents

COLUMNS = ["reader", "case", "occasion", "position", "rating", "seconds", "comment"]
_SHEET = ["reader", "batch", "position", "rating"]
_EXPORT = ["reader", "case", "rating"]
_WORDS = {word: number for number, word in enumerate(design_.CLASSES, start=1)}


def read(path: pathlib.Path, study: documents.Study) -> pd.DataFrame:
    """Reads answers from CSV, or from the first sheet of an .xlsx.

    Either the export of the web reader (columns reader, case, rating, ...), or the pack's
    `answers.csv` as filled in (reader, batch, position, rating, ...). Ratings are 1 to 4 or the
    classes' names; lines without a rating were not read and are left out.

    Raises:
        ReadingError: The file cannot be read, a column is missing, or a line names something that
            is not in the study.
    """
    table = _load(path)
    table.columns = [str(name).strip().lower() for name in table.columns]
    is_sheet = "case" not in table
    missing = [name for name in (_SHEET if is_sheet else _EXPORT) if name not in table]
    if missing:
        raise errors.ReadingError(
            f"{path}: column {missing[0]} is missing; fill in the pack's answers.csv, "
            "or give an export of the web reader."
        )
    table["line"] = np.arange(2, len(table) + 2)
    table = table[table["rating"].astype(str).str.strip() != ""].copy()
    table["rating"] = [_rating(v, path, n) for v, n in zip(table.rating, table.line, strict=True)]
    table["reader"] = [_reader(v, path, n) for v, n in zip(table.reader, table.line, strict=True)]
    if is_sheet:
        _name_cases(table, path, study)
    return _checked(table, path, study)


def write(table: pd.DataFrame, path: pathlib.Path) -> None:
    """Writes readings as CSV, whole or not at all; `read` reads them back.

    Raises:
        OutputError: The folder cannot be written to, or the disk is full.
    """
    with files.atomic_file(path) as temporary:
        table.to_csv(temporary, index=False)


def unblind(table: pd.DataFrame, key: documents.Key) -> pd.DataFrame:
    """Returns the readings with what the key says of each case."""
    answers = pd.DataFrame([key.cases[case].model_dump() for case in table["case"]])
    answers.insert(0, "real", answers.pop("truth") == "real")
    kept = ["real", "origin", "row", "nodule_id", "patient", "diameter_mm"]
    return pd.concat([table.reset_index(drop=True), answers[kept]], axis=1)


def cube(table: pd.DataFrame, occasion: int = 1) -> tuple[list[str], list[str], np.ndarray]:
    """Returns readers, cases and ratings `(reader, case)`, NaN where not read."""
    chosen = table[table["occasion"] == occasion]
    wide = chosen.pivot(index="reader", columns="case", values="rating")
    return list(wide.index), list(wide.columns), wide.to_numpy(float)


def _load(path):
    try:
        if path.suffix.lower() == ".xlsx":
            return pd.read_excel(path, dtype=str, keep_default_na=False)
        return pd.read_csv(path, dtype=str, keep_default_na=False, sep=None, engine="python")
    except ImportError as error:
        message = "save the sheet as CSV, or install openpyxl"
        raise errors.ReadingError(f"{path}: spreadsheets need openpyxl; {message}.") from error
    except (OSError, ValueError, zipfile.BadZipFile, pd.errors.ParserError) as error:
        reason = str(error).splitlines()[0]
        raise errors.ReadingError(
            f"{path}: cannot be read ({reason}); give CSV or xlsx."
        ) from error


def _rating(value, path, line):
    word = str(value).strip().lower()
    number = _WORDS.get(word)
    if number is None and word.removesuffix(".0") in ("1", "2", "3", "4"):
        number = int(word[0])
    if number is None:
        raise errors.ReadingError(
            f"{path}, line {line}: rating is {value!r}, needed is 1 ({design_.CLASSES[0]}) "
            f"to 4 ({design_.CLASSES[-1]})."
        )
    return number


def _reader(value, path, line):
    if not str(value).strip():
        raise errors.ReadingError(f"{path}, line {line}: reader is empty; write who rated it.")
    return str(value).strip()


def _name_cases(table, path, study):
    """Adds case and occasion from batch and position."""
    slots, seen = {}, {}
    for number, batch in enumerate(study.batches, start=1):
        seen.clear()
        for position, case in enumerate(batch.order, start=1):
            seen[case] = seen.get(case, 0) + 1
            slots[number, position] = case, seen[case]
    found = []
    for batch, position, line in zip(table.batch, table.position, table.line, strict=True):
        place = tuple(int(v) if str(v).strip().isdigit() else -1 for v in (batch, position))
        if place not in slots:
            raise errors.ReadingError(
                f"{path}, line {line}: batch {batch}, position {position} is not in the study; "
                "leave both as they are in the pack's answers.csv."
            )
        found.append(slots[place])
    table["case"] = [case for case, _ in found]
    table["occasion"] = [occasion for _, occasion in found]


def _checked(table, path, study):
    table["occasion"] = _numbers(table, "occasion", 1).astype(int)
    table["position"] = _numbers(table, "position", 0).astype(int)
    table["seconds"] = _numbers(table, "seconds", np.nan)
    table["comment"] = table.get("comment", "")
    known = {slot.case for slot in study.cases}
    for case, line in zip(table["case"], table["line"], strict=True):
        if case not in known:
            raise errors.ReadingError(
                f"{path}, line {line}: case {case!r} is not in the study {study.study_id}."
            )
    double = table[table.duplicated(["reader", "case", "occasion"])]
    if len(double):
        first = double.iloc[0]
        raise errors.ReadingError(
            f"{path}, line {first.line}: {first.reader} has rated this case before; keep one."
        )
    if not len(table):
        raise errors.ReadingError(f"{path}: no line has a rating; fill in the column rating.")
    return table[COLUMNS].reset_index(drop=True)


def _numbers(table, name, default):
    if name not in table:
        return pd.Series(default, index=table.index, dtype=float)
    return pd.to_numeric(table[name], errors="coerce").fillna(default)
