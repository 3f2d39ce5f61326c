"""What a slice's header must say to be used, and a plain record of it."""

import dataclasses
import functools
import math
import pathlib
import re
import warnings
from typing import Any

import numpy as np
import pydicom
from pydicom import uid

from ggngan_tf import errors
from ggngan_tf.data.dicom import reading

MAX_PIXELS = 4096 * 4096  # ours; scanners give 512 x 512 to 2048 x 2048
MAX_TILT = 31.0  # degrees; gantries tilt by up to 30
_MAX_SPACING = 10.0  # mm; ours
_UID = re.compile(r"[0-9.]{1,64}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Header:
    """What tells one axial CT slice from another.

    Attributes:
        path: Its file.
        sop_uid: SOP Instance UID.
        series_uid: Series Instance UID.
        study_uid: Study Instance UID.
        size: Rows and columns.
        pixel_spacing: mm, between rows and between columns.
        position: mm, patient coordinates of the centre of pixel (0, 0).
        orientation: Direction cosines of a row and of a column, 6 numbers.
    """

    path: pathlib.Path
    sop_uid: str
    series_uid: str
    study_uid: str
    size: tuple[int, int]
    pixel_spacing: tuple[float, float]
    position: tuple[float, float, float]
    orientation: tuple[float, ...]

    @functools.cached_property
    def normal(self) -> np.ndarray:
        """Unit vector across the slice, float64 `(3,)`, upwards in patient coordinates."""
        normal = np.cross(self.orientation[:3], self.orientation[3:])
        return normal * np.sign(normal[2])

    @property
    def height(self) -> float:
        """Place along the normal, mm."""
        return float(np.dot(self.normal, self.position))

    @property
    def tilt(self) -> float:
        """Angle between the normal and the patient's long axis, degrees."""
        return math.degrees(math.acos(min(1.0, self.normal[2] / np.linalg.norm(self.normal))))


def parse(dataset: pydicom.Dataset, path: pathlib.Path) -> Header:
    """Returns the header of an axial CT slice.

    Raises:
        DicomError: The data set is not a single-frame axial CT slice with HU, or lacks what places
            it in the patient. The message is the reason alone, without the path.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check_kind(dataset)
            check_layout(dataset)
            return _checked(dataset, path)
    except errors.DicomError:
        raise
    except Exception as error:  # values of a damaged header fail when they are first looked at
        raise errors.DicomError(f"damaged header ({reading.summary(error)})") from error


def check_layout(dataset: pydicom.Dataset) -> None:
    """Checks that the pixels are one 16-bit grey frame of a bearable size, before decoding.

    Raises:
        DicomError: They are not; the message is the reason alone.
    """
    rows, columns = (number(dataset, name) for name in ("Rows", "Columns"))
    if rows < 1 or columns < 1 or rows * columns > MAX_PIXELS:
        raise errors.DicomError(
            f"{rows:g} x {columns:g} pixels, the limit is {MAX_PIXELS:,} pixels in all"
        )
    for name, allowed in (
        ("SamplesPerPixel", (1,)),
        ("NumberOfFrames", (1,)),
        ("BitsAllocated", (16,)),
        ("BitsStored", range(9, 17)),
        ("PixelRepresentation", (0, 1)),
    ):
        default = 1 if name in ("SamplesPerPixel", "NumberOfFrames") else None
        found = number(dataset, name, default)
        if found not in allowed:
            needed = f"{allowed[0]}" if len(allowed) == 1 else f"{allowed[0]} to {allowed[-1]}"
            raise errors.DicomError(f"{name} is {found:g}, needed is {needed}")
    highest = dataset.BitsStored - 1
    if number(dataset, "HighBit", highest) != highest:
        raise errors.DicomError(f"HighBit is {dataset.HighBit}, needed is {highest}")


def value(dataset: pydicom.Dataset, name: str) -> Any:
    """Returns one value of the header as pydicom gives it, None where it is missing or empty.

    Raises:
        DicomError: It is damaged: pydicom decodes a value when it is first asked for; the reason
            alone.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = dataset.get(name)
    except Exception as error:  # a damaged value fails in as many ways as there are types
        raise errors.DicomError(f"{name} is damaged ({reading.summary(error)})") from error
    return None if found == "" else found


def text(dataset: pydicom.Dataset, name: str) -> str:
    """Returns one value of the header as text, empty where it is missing or damaged."""
    try:
        found = value(dataset, name)
    except errors.DicomError:
        return ""
    return "" if found is None else str(found)


def uid_or_empty(dataset: pydicom.Dataset, name: str) -> str:
    """Returns a UID of the header, empty where it is missing or has other than digits and dots."""
    found = text(dataset, name)
    return found if _UID.fullmatch(found) else ""


def number(dataset: pydicom.Dataset, name: str, default: float | None = None) -> float:
    """Returns one finite number of the header, or `default` where it is missing or empty.

    Raises:
        DicomError: It is missing without a default, or no finite number; the reason alone.
    """
    found = value(dataset, name)
    if found is None and default is not None:
        return default
    if found is None:
        raise errors.DicomError(f"{name} is missing")
    try:
        if math.isfinite(float(found)):
            return float(found)
    except (TypeError, ValueError):
        pass
    raise errors.DicomError(f"{name} is {str(found)[:40]!r}, needed is a number")


def _check_kind(dataset):
    modality = text(dataset, "Modality")
    if modality != "CT":
        raise errors.DicomError(f"not CT: Modality is {modality[:16]!r}")
    sop_class = text(dataset, "SOPClassUID")
    if sop_class != uid.CTImageStorage:
        name = uid.UID(sop_class).name or "missing"
        raise errors.DicomError(f"SOP class is {name[:64]}, needed is CT Image Storage")
    if "LOCALIZER" in [str(v).upper() for v in _values(dataset, "ImageType")]:
        raise errors.DicomError("a localizer, not an axial slice")


def _checked(dataset, path):
    header = Header(
        path=path,
        sop_uid=_uid(dataset, "SOPInstanceUID"),
        series_uid=_uid(dataset, "SeriesInstanceUID"),
        study_uid=_uid(dataset, "StudyInstanceUID"),
        size=(int(dataset.Rows), int(dataset.Columns)),
        pixel_spacing=_numbers(dataset, "PixelSpacing", 2),
        position=_numbers(dataset, "ImagePositionPatient", 3),
        orientation=_numbers(dataset, "ImageOrientationPatient", 6),
    )
    if not all(0 < mm <= _MAX_SPACING for mm in header.pixel_spacing):
        raise errors.DicomError(
            f"PixelSpacing is {header.pixel_spacing}, needed are 0 to {_MAX_SPACING:g} mm"
        )
    _check_orientation(header)
    return header


def _check_orientation(header):
    row, column = np.reshape(header.orientation, (2, 3))
    lengths = np.linalg.norm([row, column], axis=1)
    if np.any(np.abs(lengths - 1) > 1e-2) or abs(row @ column) > 1e-2:
        raise errors.DicomError(
            f"ImageOrientationPatient is {header.orientation}, needed are two unit vectors"
        )
    if header.normal[2] <= 0 or header.tilt > MAX_TILT:
        raise errors.DicomError("not an axial slice by ImageOrientationPatient")


def _uid(dataset, name):
    found = uid_or_empty(dataset, name)
    if not found:
        raise errors.DicomError(f"{name} is {text(dataset, name)[:64]!r}, needed is a UID")
    return found


def _values(dataset, name):
    found = value(dataset, name)
    if found is None:
        return []
    return [found] if isinstance(found, str | float | int) else list(found)


def _numbers(dataset, name, count):
    values = [float(v) for v in _values(dataset, name)]
    if len(values) != count or not np.all(np.isfinite(values)):
        raise errors.DicomError(f"{name} is {values}, needed are {count} numbers")
    return tuple(values)
