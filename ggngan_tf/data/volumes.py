"""Volumes and label maps from NIfTI, NRRD and MetaImage, through SimpleITK.

Coordinates are DICOM's: mm, x to the patient's left, y to the back, z to the head.
"""

import dataclasses
import pathlib

import numpy as np
import SimpleITK as sitk

from ggngan_tf import errors
from ggngan_tf.data import dicom

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mhd", ".mha")
MAX_VOXELS = 1 << 31  # ours, as for a DICOM series


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Volume:
    """One CT volume; slices are axial and ascend to the head. Its names are `dicom.Series`'.

    Attributes:
        volume: int16 `(slice, row, column)`, HU clipped to [-1024, 3071].
        pixel_spacing: mm, between rows and between columns.
        slice_spacing: mm.
        positions: float64 `(slice, 3)`, mm, patient coordinates of pixel (0, 0).
        orientation: Direction cosines of a row and of a column, 6 numbers.
        sop_uids: One empty string a slice: these formats carry no identifiers.
    """

    volume: np.ndarray
    pixel_spacing: tuple[float, float]
    slice_spacing: float
    positions: np.ndarray
    orientation: tuple[float, ...]
    sop_uids: tuple[str, ...]
    patient_id: str = ""
    series_uid: str = ""
    manufacturer: str = ""


def is_volume(path: pathlib.Path) -> bool:
    """Returns whether a file's name is that of NIfTI, NRRD or MetaImage."""
    return path.name.lower().endswith(SUFFIXES)


def read(path: pathlib.Path) -> Volume:
    """Reads a CT volume, turned so that slices are axial.

    Raises:
        DicomError: The file cannot be read, is not three-dimensional, is not in HU, or lies
            askew, so that none of its axes is the patient's.
    """
    image = _turned(path)
    values = sitk.GetArrayFromImage(image)
    _check_hu(values, path)
    columns, rows, slices = image.GetSpacing()
    direction = np.array(image.GetDirection()).reshape(3, 3)
    places = [image.TransformIndexToPhysicalPoint((0, 0, i)) for i in range(len(values))]
    hu = np.nan_to_num(values, nan=dicom.LOWEST)
    return Volume(
        volume=np.rint(np.clip(hu, dicom.LOWEST, dicom.HIGHEST)).astype(np.int16),
        pixel_spacing=(rows, columns),
        slice_spacing=slices,
        positions=np.array(places),
        orientation=(*direction[:, 0], *direction[:, 1]),
        sop_uids=("",) * len(values),
    )


def labels_on(path: pathlib.Path, series) -> np.ndarray:
    """Returns a label map on the grid of a series, uint16 `(slice, row, column)`, 0 outside.

    On another grid in the same space each voxel takes the nearest label.

    Args:
        path: Label map: 0 outside nodules, whole numbers inside.
        series: `dicom.Series` or `Volume`.

    Raises:
        DicomError: The file cannot be read, its values are no labels, it has the series' size and
            yet another geometry (its header was lost on the way), or labels lie outside the series.
    """
    image = _turned(path)
    values = sitk.GetArrayViewFromImage(image)
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 65535 or not np.array_equal(values, np.rint(values)):
        raise errors.DicomError(
            f"{path}: values from {low:g} to {high:g} are no labels; "
            "give 0 outside nodules and whole numbers from 1 inside."
        )
    _check_space(image, values, series, path)
    return _resampled(sitk.Cast(image, sitk.sitkUInt16), series)


def _load(path):
    if not path.is_file():
        raise errors.DicomError(f"{path}: no such file.")
    try:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        size, components = reader.GetSize(), reader.GetNumberOfComponents()
        if len(size) != 3 or components != 1:
            raise errors.DicomError(
                f"{path}: has {len(size)} dimensions and {components} values a voxel, "
                "needed are 3 and 1; give one volume."
            )
        if np.prod([float(n) for n in size]) > MAX_VOXELS:
            raise errors.DicomError(f"{path}: has {size} voxels, the limit is {MAX_VOXELS:,}.")
        if reader.GetPixelID() == sitk.sitkFloat64:
            reader.SetOutputPixelType(sitk.sitkFloat32)  # holds HU and labels in half the memory
        return reader.Execute()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1][:160]
        raise errors.DicomError(f"{path}: cannot be read as an image ({reason}).") from error


def _turned(path):
    image = sitk.DICOMOrient(_load(path), "LPS")
    upright = image.GetDirection()[8]
    if upright < 0.9:
        raise errors.DicomError(
            f"{path}: its slices lie {np.degrees(np.arccos(upright)):.0f} degrees off the axial "
            "plane, the limit is 25; reformat it axially."
        )
    return image


def _check_hu(values, path):
    low, high = np.nanmin(values), np.nanmax(values)
    if not (low < -500 and high > 0):
        raise errors.DicomError(
            f"{path}: values from {low:g} to {high:g} are not HU (air is about -1000, bone above "
            "300); give CT in HU."
        )


def _check_space(image, values, series, path):
    shape = series.volume.shape
    grid = grid_of(series)
    if tuple(reversed(image.GetSize())) == shape and not _same(image, grid):
        raise errors.DicomError(
            f"{path}: has the image's size and another geometry ({_told(image)}; the image: "
            f"{_told(grid)}); save it with the image's geometry."
        )
    inside = np.argwhere(values)
    if not len(inside):
        return
    low, high = inside.min(axis=0)[::-1], inside.max(axis=0)[::-1]
    for corner in np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T:
        point = image.TransformIndexToPhysicalPoint([int(c) for c in corner])
        where = np.array(grid.TransformPhysicalPointToContinuousIndex(point))
        if np.any(where < -1) or np.any(where > np.array(grid.GetSize())):
            raise errors.DicomError(
                f"{path}: labels lie outside the image, at {_rounded(point)} mm ({_told(image)}; "
                f"the image: {_told(grid)}); give the mask of this image, in its space."
            )


def grid_of(series) -> sitk.Image:
    """Returns an image of zeros with the geometry of a series, slices taken as evenly spaced."""
    return _plane(series, series.positions, series.volume.shape)


def _plane(series, positions, shape):
    slices, rows, columns = shape
    row, column = np.array(series.orientation[:3]), np.array(series.orientation[3:])
    step = (positions[-1] - positions[0]) / max(slices - 1, 1)
    spacing = float(np.linalg.norm(step)) or 1.0
    image = sitk.Image([columns, rows, slices], sitk.sitkUInt8)
    image.SetOrigin([float(x) for x in positions[0]])
    image.SetSpacing([series.pixel_spacing[1], series.pixel_spacing[0], spacing])
    normal = np.cross(row, column)
    image.SetDirection([float(x) for x in np.stack([row, column, normal], axis=1).ravel()])
    return image


def _same(one, other):
    spacing = np.array(one.GetSpacing())
    corner = [n - 1 for n in one.GetSize()]
    ends = [
        np.subtract(one.TransformIndexToPhysicalPoint(i), other.TransformIndexToPhysicalPoint(i))
        for i in ([0, 0, 0], corner)
    ]
    # At the far corner the small errors of saved spacings add up.
    return all(np.all(np.abs(end) < 0.5 * spacing) for end in ends)


def _resampled(labels, series):
    """Takes labels slice by slice, so that uneven spacing and gantry tilt do no harm."""
    found = np.zeros(series.volume.shape, np.uint16)
    shape = (1, *series.volume.shape[1:])
    for i, position in enumerate(series.positions):
        plane = _plane(series, position[None], shape)
        layer = sitk.Resample(labels, plane, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        found[i] = sitk.GetArrayViewFromImage(layer)[0]
    return found


def _told(image):
    origin, spacing = _rounded(image.GetOrigin()), _rounded(image.GetSpacing())
    return f"size {image.GetSize()}, origin {origin} mm, spacing {spacing} mm"


def _rounded(numbers):
    return tuple(round(float(n), 2) for n in numbers)
