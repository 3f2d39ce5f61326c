"""The word SYNTHETIC, written into the pixels."""

import numpy as np
import pydicom

from ggngan_tf.data.dicom import hounsfield

_WHITE = 1000  # HU; white in lung and in soft-tissue windows
# Capitals of 5 x 7 pixels, a row a number, the highest bit left.
_LETTERS = {
    "S": (15, 16, 16, 14, 1, 1, 30),
    "Y": (17, 17, 10, 4, 4, 4, 4),
    "N": (17, 25, 21, 19, 17, 17, 17),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "H": (17, 17, 17, 31, 17, 17, 17),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "I": (14, 4, 4, 4, 4, 4, 14),
    "C": (14, 17, 16, 16, 16, 17, 14),
}


def burn(dataset: pydicom.Dataset, word: str = "SYNTHETIC") -> None:
    """Writes a word into the top left corner of an uncompressed slice, black-edged white.

    The letters are 1/25 of the slice high, but at least 7 pixels; a slice too small for the word
    gets as much of it as fits. Burned In Annotation becomes YES.
    """
    dtype = np.dtype("<i2" if dataset.PixelRepresentation == 1 else "<u2")
    stored = np.frombuffer(dataset.PixelData, dtype).reshape(dataset.Rows, dataset.Columns).copy()
    slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    hu = np.where(_bitmap(word, max(1, dataset.Rows // 170)), _WHITE, hounsfield.LOWEST)
    hu = hu[: dataset.Rows, : dataset.Columns]
    values = hounsfield.from_hu(dataset, hu, slope, intercept)
    stored[: hu.shape[0], : hu.shape[1]] = values
    dataset.PixelData = stored.tobytes()
    dataset.BurnedInAnnotation = "YES"


def _bitmap(word, scale):
    """Returns the word as bool `(row, column)` with an edge of one unscaled pixel around."""
    rows = [[_LETTERS[letter][i] for letter in word] for i in range(7)]
    text = "\n".join("".join(f"{bits:05b}0" for bits in row) for row in rows)
    pixels = np.array([[c == "1" for c in line] for line in text.split("\n")])
    framed = np.pad(pixels, ((1, 1), (1, 0)))
    return np.kron(framed, np.ones((scale, scale), bool)).astype(bool)
