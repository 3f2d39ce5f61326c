"""Reads the cases that a visual Turing test draws from: a `NoduleSet`, or DICOM series."""

import csv
import dataclasses
import pathlib

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data import dicom, nodules

TABLES = ("sites.csv", "manifest.csv")
_COLUMNS = ("slice", "row", "column")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One nodule in one slice, as it was found.

    Attributes:
        image: int16 `(row, column)`, HU.
        mask: bool, the same shape; None where nobody outlined the nodule.
        centre: Row and column of the nodule; None where nobody says where it is.
        pixel_spacing: mm, row and column.
        diameter_mm: Of the circle with the mask's area, or as the table of sites says; NaN where
            unknown.
        patient: Patient or series; no two classes share one.
        origin: File or folder.
        row: Row of the set, or slice of the series.
        nodule_id: As the source numbers it.
    """

    image: np.ndarray
    mask: np.ndarray | None
    centre: tuple[int, int] | None
    pixel_spacing: tuple[float, float]
    diameter_mm: float
    patient: str
    origin: str
    row: int
    nodule_id: int


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """The cases of one class.

    Attributes:
        path: File or folder.
        cases: In the source's order.
        synthetic: Whether the source says that a generator painted its nodules.
        provenance: What the source says of itself, for the key.
    """

    path: pathlib.Path
    cases: list[Case]
    synthetic: bool
    provenance: dict[str, object]


def read(path: pathlib.Path, rule: nodules.Rule = "none") -> Source:
    """Reads a `NoduleSet` (a file that ends in .h5 or .hdf5) or DICOM (any other).

    Each series of a DICOM folder may have a table of its nodules beside its files (`sites.csv` or
    `manifest.csv`, with columns slice, row and column, and diameter_mm if known), or the manifest
    of `ggngan generate` above them; without one, each of its slices is a case, and where its
    nodule lies stays unknown.

    Args:
        path: Where.
        rule: Which nodules of a set to take; DICOM has no ratings.

    Raises:
        NoduleSetError: The set does not conform, or no nodule fulfils the rule.
        DicomError: The DICOM cannot be read.
        ReadingError: The table of nodules does not fit the series.
    """
    if path.suffix.lower() in (".h5", ".hdf5"):
        return _from_set(path, rule)
    return _from_dicom(path)


def _from_set(path, rule):
    found = nodules.read(path)
    chosen = found.select(rule)
    digest = nodules.fingerprint(path)
    provenance = {"path": path.name, "sha256": digest} | chosen.attributes
    rows = np.flatnonzero(nodules.ground_glass(found.texture, rule))
    cases = [_from_row(chosen, i, int(rows[i]), path) for i in range(len(chosen))]
    return Source(path=path, cases=cases, synthetic=chosen.synthetic, provenance=provenance)


def _from_row(chosen, i, row, path):
    mask = chosen.mask[i].astype(bool)
    spacing = tuple(float(v) for v in chosen.pixel_spacing[i])
    unnamed = f"{path.name}:{chosen.nodule_id[i]}"
    return Case(
        image=chosen.image[i],
        mask=mask,
        centre=tuple(int(v) for v in chosen.roi_centre[i]),
        pixel_spacing=spacing,
        diameter_mm=float(2 * np.sqrt(mask.sum() * spacing[0] * spacing[1] / np.pi)),
        patient=str(chosen.patient_id[i] or chosen.series_uid[i] or unnamed),
        origin=path.name,
        row=row,
        nodule_id=int(chosen.nodule_id[i]),
    )


def _from_dicom(path):
    found = [dicom.read_slices(files) for _, files in dicom.find_series(path)]
    if not found:
        raise errors.DicomError(f"{path}: no axial CT slices; give a folder that has some.")
    cases = [case for series in found for case in _from_series(series)]
    marks = {str(d.get("SyntheticData", "NO")) for series in found for d in series.datasets}
    if len(marks) > 1:
        raise errors.ReadingError(
            f"{path}: some slices are marked synthetic and some are not; keep the two apart."
        )
    provenance = {"path": path.name, "series": len(found)}
    return Source(path=path, cases=cases, synthetic=marks == {"YES"}, provenance=provenance)


def _from_series(series):
    folder = series.paths[0].parent
    # `ggngan generate` writes the slices to series/ and the table beside that folder.
    above = [folder.parent / "manifest.csv"] if folder.name == "series" else []
    places = [*(folder / name for name in TABLES), *above]
    table = next((path for path in places if path.exists()), None)
    sites = _table(table, series) if table else [(i, None, np.nan) for i in range(len(series))]
    patient = str(series.datasets[0].get("PatientID") or series.datasets[0].SeriesInstanceUID)
    return [
        Case(
            image=series.volume[index],
            mask=None,
            centre=centre,
            pixel_spacing=tuple(float(v) for v in series.pixel_spacing),
            diameter_mm=float(diameter),
            patient=patient,
            origin=folder.name,
            row=index,
            nodule_id=number,
        )
        for number, (index, centre, diameter) in enumerate(sites)
    ]


def _table(path, series):
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or not set(_COLUMNS) <= set(rows[0]):
        found = ", ".join(rows[0]) if rows else "nothing"
        raise errors.ReadingError(
            f"{path}: found columns {found}, needed are {', '.join(_COLUMNS)}; add them."
        )
    return [_site(path, line, row, series) for line, row in enumerate(rows, start=2)]


def _site(path, line, row, series):
    try:
        place = tuple(int(float(row[name])) for name in _COLUMNS)
        diameter = float(row.get("diameter_mm") or "nan")
    except (TypeError, ValueError) as error:
        raise errors.ReadingError(f"{path}, line {line}: {error}; give numbers.") from error
    size = series.volume.shape
    if not all(0 <= v < n for v, n in zip(place, size, strict=True)):
        raise errors.ReadingError(
            f"{path}, line {line}: slice {place[0]}, row {place[1]}, column {place[2]} is outside "
            f"the series of {size[0]} x {size[1]} x {size[2]}; count from 0."
        )
    return place[0], place[1:], diameter
