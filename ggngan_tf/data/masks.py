"""Nodules' masks on the slices of a series, from DICOM SEG, a label map, or a CSV of marks."""

import pathlib

import numpy as np
from scipy import ndimage

from ggngan_tf import errors
from ggngan_tf.data import marks, readings, volumes
from ggngan_tf.data.dicom import segments


def read(path: pathlib.Path, series) -> list[tuple[int, readings.Mask]]:
    """Returns the label and the mask of each nodule; mask slices are indices of the series.

    Where there are several labels, each is a nodule; where there is one, each of its connected
    parts (26 neighbours) is, numbered from 1.

    Args:
        path: DICOM SEG, NIfTI, NRRD or MetaImage, or CSV (see `marks.read`).
        series: `dicom.Series` or `volumes.Volume` that the masks belong to.

    Raises:
        DicomError: The file is none of these, is damaged, holds no nodule, or does not fit the
            series.
    """
    if path.suffix.lower() == ".csv":
        found = marks.read(path, series)
    elif volumes.is_volume(path):
        found = split(volumes.labels_on(path, series))
    else:
        found = _segmented(path, series)
    if not found:
        raise errors.DicomError(f"{path}: marks no pixel; give a mask that shows a nodule.")
    return found


def split(labels: np.ndarray) -> list[tuple[int, readings.Mask]]:
    """Returns the nodules of a label map, int `(slice, row, column)`, as `read` does."""
    boxes = ndimage.find_objects(labels)
    present = [i for i, box in enumerate(boxes, start=1) if box is not None]
    if len(present) == 1:
        part = boxes[present[0] - 1]
        parts, _ = ndimage.label(labels[part] == present[0], structure=np.ones((3, 3, 3)))
        start = [extent.start for extent in part]
        inner = ndimage.find_objects(parts)
        return [(i, _mask(parts == i, box, start)) for i, box in enumerate(inner, start=1)]
    return [(i, _mask(labels == i, boxes[i - 1], (0, 0, 0))) for i in present]


def _mask(inside, box, start):
    slices, rows, columns = box
    return readings.Mask(
        slices=np.arange(slices.start, slices.stop) + start[0],
        origin=(rows.start + start[1], columns.start + start[2]),
        pixels=inside[box],
    )


def _segmented(path, series):
    found = segments.read_segmentation(path)
    _check_grid(found, series, path)
    slices = _slices(found, series, path)
    numbers = np.unique(found.numbers[found.pixels.any(axis=(1, 2))])
    if len(numbers) == 1:
        labels = np.zeros(series.volume.shape, np.uint8)
        for layer, index in zip(found.pixels, slices, strict=True):
            labels[index] |= layer
        return split(labels)
    return [(int(n), _stacked(found, slices, n)) for n in numbers]


def _stacked(found, slices, number):
    """Returns one segment's mask; segments may overlap, so they cannot share one label map."""
    layers = np.flatnonzero(found.numbers == number)
    layers = layers[np.argsort(slices[layers])]
    return readings.Mask(slices[layers], (0, 0), found.pixels[layers])


def _check_grid(found, series, path):
    size = series.volume.shape[1:]
    if found.pixels.shape[1:] != size:
        raise errors.DicomError(
            f"{path}: frames are {found.pixels.shape[1:]}, the image's slices {size}; "
            "give the segmentation of this series."
        )
    same = np.allclose(found.orientation, series.orientation, atol=1e-3) and np.allclose(
        found.pixel_spacing, series.pixel_spacing, rtol=1e-3
    )
    if not same:
        raise errors.DicomError(
            f"{path}: its pixel spacing {found.pixel_spacing} or orientation is not the image's "
            f"({series.pixel_spacing}); give the segmentation of this series."
        )


def _slices(found, series, path):
    distances = np.linalg.norm(found.positions[:, None] - series.positions, axis=2)
    nearest = distances.argmin(axis=1)
    limit = 0.5 * min(series.slice_spacing or np.inf, *series.pixel_spacing)
    off = distances.min(axis=1) > limit
    if np.any(off & found.pixels.any(axis=(1, 2))):
        where = found.positions[np.argmax(off)].round(2).tolist()
        raise errors.DicomError(
            f"{path}: a frame lies at {where} mm, where the image has no slice; "
            "give the segmentation of this series."
        )
    return nearest
