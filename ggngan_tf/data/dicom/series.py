"""One axial CT series in memory: HU by position, headers, and files to read pixels again from."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
import pydicom

from ggngan_tf import errors
from ggngan_tf.data.dicom import headers, hounsfield, reading, scanning

_SAME_PLACE = 1e-3  # mm; ours
MAX_VOXELS = 1 << 31  # ours; 4 GiB of int16


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One axial CT series; slices are ordered upwards along their normal.

    Attributes:
        volume: int16 `(slice, row, column)`, HU clipped to [-1024, 3071].
        datasets: Headers in slice order, without pixel data; `stored(i)` reads pixels again.
        paths: Files in slice order.
        pixel_spacing: mm, between rows and between columns.
        positions: float64 `(slice, 3)`, mm, patient coordinates of pixel (0, 0).
        orientation: Direction cosines of a row and of a column, 6 numbers.
        frame_uid: Frame of Reference UID; the first slice's where they differ, empty where it is
            missing or no UID.
        sop_uids: SOP Instance UIDs in slice order.
        skipped: Files that belong to the series and could not be used, with the reason.
        notes: What a user should know: missing slices, gantry tilt, more than one frame.
    """

    volume: np.ndarray
    datasets: tuple[pydicom.Dataset, ...]
    paths: tuple[pathlib.Path, ...]
    pixel_spacing: tuple[float, float]
    positions: np.ndarray
    orientation: tuple[float, ...]
    patient_id: str
    frame_uid: str
    study_uid: str
    series_uid: str
    sop_uids: tuple[str, ...]
    manufacturer: str
    slice_thickness: float | None
    skipped: tuple[scanning.Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.volume)

    @property
    def slice_spacing(self) -> float | None:
        """Usual distance between neighbouring slices, mm; None for a single slice."""
        return _usual(_gaps(self.positions)) if len(self) > 1 else None

    def stored(self, index: int) -> np.ndarray:
        """Returns a slice as stored in its file, int16 or uint16 `(row, column)`.

        Raises:
            DicomError: The file is gone, has changed or no longer decodes.
        """
        return _stored(self.paths[index], self.sop_uids[index])[1]


def read_series(path: pathlib.Path | str, series_uid: str | None = None) -> Series:
    """Reads the one axial CT series of a file or folder, or the one that `series_uid` names.

    Files that are damaged or do not fit are left out and listed in `skipped`.

    Raises:
        DicomError: Nothing is there, no axial CT is there, more than one series is and none was
            named, or the series cannot be read (see `read_slices`).
    """
    found, skipped = scanning.slices(path)
    if not found:
        raise errors.DicomError(f"{path}: no axial CT slices{_why(skipped)}.")
    if series_uid is None and len(found) > 1:
        raise errors.DicomError(
            f"{path}: has {len(found)} series ({_listed(found)}); "
            "give one of their files' folders, or name one by its Series Instance UID."
        )
    uid = series_uid or next(iter(found))
    if uid not in found:
        raise errors.DicomError(
            f"{path}: has no series {uid}; it has {_listed(found)}: name one of these."
        )
    return _read(found[uid], skipped)


def read_slices(paths: Sequence[pathlib.Path]) -> Series:
    """Reads files that `scan` found to be one series, in any order.

    Raises:
        DicomError: No file can be used, they are of several series, two slices lie at one place
            and differ, or the volume would have more than 2,147,483,648 voxels.
    """
    skipped: list[scanning.Skipped] = []
    found = []
    for path in map(pathlib.Path, paths):
        try:
            found.append(headers.parse(reading.read(path, pixels=False), path))
        except errors.DicomError as error:
            skipped.append(_skip(path, error))
    uids = {header.series_uid for header in found}
    if len(uids) != 1:
        first = paths[0] if len(paths) else "no files"
        what = f"files are of {len(uids)} series" if uids else f"no axial CT slices{_why(skipped)}"
        raise errors.DicomError(f"{first}: {what}; give the slices of one series.")
    slices, left_out = scanning.consistent(found)
    return _read(slices, skipped + left_out)


def _read(slices, skipped):
    _check_volume(slices)
    kept, datasets, volume = _decode(slices, skipped)
    first, header = datasets[0], kept[0]
    positions = np.array([h.position for h in kept], np.float64)
    return Series(
        volume=volume,
        datasets=tuple(datasets),
        paths=tuple(h.path for h in kept),
        pixel_spacing=header.pixel_spacing,
        positions=positions,
        orientation=header.orientation,
        patient_id=headers.text(first, "PatientID"),
        frame_uid=headers.uid_or_empty(first, "FrameOfReferenceUID"),
        study_uid=header.study_uid,
        series_uid=header.series_uid,
        sop_uids=tuple(h.sop_uid for h in kept),
        manufacturer=headers.text(first, "Manufacturer"),
        slice_thickness=_thickness(first),
        skipped=tuple(skipped),
        notes=tuple(_notes(header, positions, datasets)),
    )


def _check_volume(slices):
    rows, columns = slices[0].size
    if len(slices) * rows * columns > MAX_VOXELS:
        raise errors.DicomError(
            f"{slices[0].path}: its series has {len(slices)} x {rows} x {columns} voxels, "
            f"the limit is {MAX_VOXELS:,}; give a part of it."
        )


def _decode(slices, skipped):
    """Reads one slice at a time, so that memory stays at one volume."""
    volume = np.empty((len(slices), *slices[0].size), np.int16)
    kept: list[headers.Header] = []
    datasets: list[pydicom.Dataset] = []
    for header in slices:
        try:
            dataset, hu = _slice(header)
        except errors.DicomError as error:
            skipped.append(_skip(header.path, error))
            continue
        if kept and abs(header.height - kept[-1].height) < _SAME_PLACE:
            _check_same(header, hu, kept[-1], volume[len(kept) - 1])
            skipped.append(scanning.Skipped(header.path, f"a second copy of {kept[-1].path}"))
            continue
        volume[len(kept)] = hu
        kept.append(header)
        datasets.append(dataset)
    if not kept:
        raise errors.DicomError(f"{slices[0].path}: no slice can be used{_why(skipped)}.")
    return kept, datasets, volume[: len(kept)]


def _slice(header):
    dataset, stored = _stored(header.path, header.sop_uid)
    hu = _named(header.path, hounsfield.to_hu, dataset, stored)
    return dataset, hu


def _check_same(header, hu, other, other_hu):
    if not np.array_equal(hu, other_hu):
        raise errors.DicomError(
            f"{header.path}: lies at the same place as {other.path} (height {header.height:.2f} mm)"
            " and differs; split the series by acquisition."
        )


def _stored(path, sop_uid):
    """Returns a file's header and its stored values; the two do not stay in memory together."""
    dataset = reading.read(path)
    if headers.text(dataset, "SOPInstanceUID") != sop_uid:
        raise errors.DicomError(f"{path}: has changed since it was first read; read it again.")
    stored = _named(path, hounsfield.stored_values, dataset)
    del dataset.PixelData
    return dataset, stored


def _skip(path, error):
    return scanning.Skipped(path, str(error).removeprefix(f"{path}: "))


def _named(path, function, *arguments):
    try:
        return function(*arguments)
    except errors.DicomError as error:
        raise errors.DicomError(f"{path}: {error}.") from error


def _thickness(dataset):
    try:
        return headers.number(dataset, "SliceThickness")
    except errors.DicomError:
        return None


def _notes(header, positions, datasets):
    frames = {headers.text(dataset, "FrameOfReferenceUID") for dataset in datasets}
    if len(frames) > 1:
        yield f"the slices name {len(frames)} frames of reference: the first one's is used"
    if header.tilt > 0.5:
        yield f"the gantry is tilted by {header.tilt:.1f} degrees: the volume is sheared"
    gaps = _gaps(positions)
    if len(gaps) == 0:
        return
    usual = _usual(gaps)
    missing = np.flatnonzero(gaps > 1.5 * usual)
    if len(missing):
        places = ", ".join(f"after slice {i} ({gaps[i]:.2f} mm)" for i in missing[:5])
        yield f"slices are missing: gaps of more than the usual {usual:.2f} mm {places}"


def _gaps(positions):
    return np.linalg.norm(np.diff(positions, axis=0), axis=1)


def _usual(gaps):
    return float(np.sort(gaps)[(len(gaps) - 1) // 2])  # the lower median: gaps are only added


def _listed(found):
    shown = [f"{uid} with {len(slices)} slices" for uid, slices in found.items()]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


def _why(skipped):
    if not skipped:
        return ""
    count = f" and {len(skipped) - 1} more files" if len(skipped) > 1 else ""
    return f" ({skipped[0].path.name}: {skipped[0].reason.rstrip('.')}{count})"
