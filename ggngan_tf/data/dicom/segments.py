"""Reads masks from a DICOM SEG file, of anyone's making."""

import dataclasses
import pathlib
import warnings

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data.dicom import reading

_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
_LABELMAP_CLASS = "1.2.840.10008.5.1.4.1.1.66.7"
MAX_PIXELS = 1 << 31  # ours; 4,096 frames of 724 x 724


@dataclasses.dataclass(frozen=True, eq=False)
class Segments:
    """The frames of a SEG file, one segment in one slice each.

    Attributes:
        numbers: int `(frames,)`, segment of each frame.
        positions: float64 `(frames, 3)`, mm, patient coordinates of pixel (0, 0).
        pixels: bool `(frames, row, column)`.
        orientation: Direction cosines of a row and of a column, 6 numbers.
        pixel_spacing: mm, between rows and between columns.
    """

    numbers: np.ndarray
    positions: np.ndarray
    pixels: np.ndarray
    orientation: tuple[float, ...]
    pixel_spacing: tuple[float, float]


def read_segmentation(path: pathlib.Path) -> Segments:
    """Reads a SEG file: binary, fractional (from one half up) or label map.

    Raises:
        DicomError: The file is no SEG, is damaged, or its frames lack position or spacing.
    """
    dataset = reading.read(path)
    if str(dataset.get("SOPClassUID")) not in (_CLASS, _LABELMAP_CLASS):
        raise errors.DicomError(f"{path}: is not DICOM SEG; give a segmentation.")
    try:
        return _segments(dataset)
    except errors.DicomError:
        raise
    except Exception as error:  # a damaged file makes pydicom raise nearly anything
        raise errors.DicomError(
            f"{path}: its frames cannot be read ({reading.summary(error)}); export it again."
        ) from error


def _segments(dataset) -> Segments:
    frames = dataset.PerFrameFunctionalGroupsSequence
    shared = dataset.SharedFunctionalGroupsSequence[0]
    if len(frames) * dataset.Rows * dataset.Columns > MAX_PIXELS:
        raise ValueError(f"{len(frames)} frames of {dataset.Rows} x {dataset.Columns} pixels")
    numbers, pixels, owner = _layers(dataset, frames, shared)
    positions = [_macro(f, shared, "PlanePositionSequence").ImagePositionPatient for f in frames]
    orientation = _macro(frames[0], shared, "PlaneOrientationSequence").ImageOrientationPatient
    spacing = _macro(frames[0], shared, "PixelMeasuresSequence").PixelSpacing
    return Segments(
        numbers=numbers,
        positions=np.array(positions, np.float64)[owner],
        pixels=pixels,
        orientation=tuple(map(float, orientation)),
        pixel_spacing=(float(spacing[0]), float(spacing[1])),
    )


def _layers(dataset, frames, shared):
    """Returns segment, pixels and frame of each layer; a label map's frame may hold several."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = dataset.pixel_array.reshape(len(frames), dataset.Rows, dataset.Columns)
    if dataset.get("SegmentationType") == "LABELMAP":
        pairs = [(n, i) for i, v in enumerate(values) for n in np.unique(v) if n]
        layers = [values[i] == number for number, i in pairs]
        owner = np.array([i for _, i in pairs], int)
        pixels = np.array(layers, bool).reshape(len(pairs), *values.shape[1:])
        return np.array([n for n, _ in pairs], int), pixels, owner
    named = [_macro(frame, shared, "SegmentIdentificationSequence") for frame in frames]
    numbers = [macro.ReferencedSegmentNumber for macro in named]
    half = 0.5 * float(dataset.get("MaximumFractionalValue") or 1)
    return np.array(numbers, int), values >= half, np.arange(len(frames))


def _macro(frame, shared, name):
    return (frame if name in frame else shared)[name][0]
