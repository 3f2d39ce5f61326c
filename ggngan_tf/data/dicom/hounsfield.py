"""Stored values to HU and back, through a slice's own rescale tags."""

import warnings

import numpy as np
import pydicom
from pydicom import pixels, uid

from ggngan_tf import errors
from ggngan_tf.data.dicom import codestream, headers, reading

LOWEST, HIGHEST = -1024, 3071  # HU; what 12 bits hold, and what `nodules.h5` is clipped to
_TYPES = ("", "HU", "HU_MOD", "US")  # Rescale Type; US says "unspecified"
_AIR = -500  # HU; a chest slice has something below it
_PADDING = (-900, 2000)  # HU; a padding value between them lies among tissue: disbelieved


def stored_values(dataset: pydicom.Dataset) -> np.ndarray:
    """Returns the pixels as stored, unused bits included, int16 or uint16 `(row, column)`.

    Raises:
        DicomError: They are not one 16-bit grey frame of a bearable size, or do not decode; the
            message is the reason alone, without the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            headers.check_layout(dataset)
            codestream.check_size(dataset)
            # Unlike the property, the function keeps no second copy.
            values = pixels.pixel_array(dataset, decoding_plugin=_plugin(dataset))
    except errors.DicomError:
        raise
    except Exception as error:  # decoders raise nearly anything on damaged data
        raise errors.DicomError(f"pixels do not decode ({reading.summary(error)})") from error
    if values.shape != (dataset.Rows, dataset.Columns) or values.dtype.itemsize != 2:
        raise errors.DicomError(f"pixels decode to {values.dtype} {values.shape}")
    return values


def _plugin(dataset):
    # pylibjpeg's RLE decoder panics on damaged data, past every handler, with a trace on stderr.
    return "pydicom" if dataset.file_meta.TransferSyntaxUID == uid.RLELossless else ""


def to_hu(dataset: pydicom.Dataset, stored: np.ndarray | None = None) -> np.ndarray:
    """Returns a slice in HU, int16 `(row, column)`, clipped to [-1024, 3071].

    Padding becomes -1024: pixels of the Pixel Padding Value (or up to its Range Limit), unless
    that value lies among tissue, where it would punch holes. A circle of -2000 that no tag
    declares is clipped to the same.

    Args:
        dataset: The slice, with its pixels if `stored` is not given.
        stored: What `stored_values` gave for it.

    Raises:
        DicomError: The pixels do not decode, or the rescale tags are unusable; the reason alone.
    """
    stored = stored_values(dataset) if stored is None else stored
    slope, intercept = rescale(dataset, stored)
    whole = slope == 1 and intercept == int(intercept)
    hu = _meant(dataset, stored).astype(np.int32 if whole else np.float64)
    hu = hu + int(intercept) if whole else np.rint(hu * slope + intercept)
    hu = np.clip(hu, LOWEST, HIGHEST).astype(np.int16)
    return _without_padding(hu, dataset, stored, slope, intercept)


def from_hu(dataset: pydicom.Dataset, hu: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Returns HU as stored values, saturated at what Bits Stored can hold, of any shape.

    A value that would read as padding moves to the next one inside the range.
    """
    low, high = _range(dataset)
    stored = np.clip(np.rint((hu.astype(np.float64) - intercept) / slope), low, high)
    padding = padding_value(dataset)
    if padding is not None:
        stored[stored == padding] += 1 if padding < high else -1
    return stored.astype(_dtype(dataset))


def rescale(dataset: pydicom.Dataset, stored: np.ndarray) -> tuple[float, float]:
    """Returns slope and intercept. Missing ones are 1 and 0 if the stored values look like HU.

    Raises:
        DicomError: They are missing and the values do not look like HU, are not numbers, the slope
            is not above 0, or the unit is not HU; the reason alone.
    """
    unit = headers.text(dataset, "RescaleType").strip().upper()
    if unit not in _TYPES:
        raise errors.DicomError(f"RescaleType is {unit!r}, needed is 'HU'")
    if "ModalityLUTSequence" in dataset:
        raise errors.DicomError("a modality lookup table, needed are rescale slope and intercept")
    slope = headers.number(dataset, "RescaleSlope", 1.0)
    if not 0 < slope < 1e3:
        raise errors.DicomError(f"RescaleSlope is {slope:g}, needed is a number above 0")
    if headers.value(dataset, "RescaleIntercept") is None and stored.min() > _AIR:
        raise errors.DicomError(
            f"RescaleIntercept is missing and the values are no HU (lowest {stored.min()})"
        )
    intercept = headers.number(dataset, "RescaleIntercept", 0.0)
    if abs(intercept) > 1e5:
        raise errors.DicomError(f"RescaleIntercept is {intercept:g}, needed are HU")
    return slope, intercept


def padding_value(dataset: pydicom.Dataset, name: str = "PixelPaddingValue") -> int | None:
    """Returns the padding value as stored, with the sign of the pixels, or None.

    Headers give 63536 for -2000 where the tag was written unsigned.
    """
    try:
        value = int(headers.number(dataset, name)) & 0xFFFF
    except errors.DicomError:
        return None
    return value - 0x10000 if dataset.PixelRepresentation == 1 and value > 0x7FFF else value


def _without_padding(hu, dataset, stored, slope, intercept):
    value = padding_value(dataset)
    if value is None or _PADDING[0] < value * slope + intercept < _PADDING[1]:
        return hu
    limit = padding_value(dataset, "PixelPaddingRangeLimit")
    if limit is None or _PADDING[0] < limit * slope + intercept < _PADDING[1]:
        limit = value
    hu[(stored >= min(value, limit)) & (stored <= max(value, limit))] = LOWEST
    return hu


def _meant(dataset, stored):
    """Drops the bits above Bits Stored, which may hold anything, and extends the sign."""
    spare = 16 - dataset.BitsStored
    return (stored << spare) >> spare if spare else stored


def _range(dataset):
    bits = dataset.BitsStored
    if dataset.PixelRepresentation == 1:
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def _dtype(dataset):
    return np.int16 if dataset.PixelRepresentation == 1 else np.uint16
