"""Small CT volumes and masks for tests, as files of every kind that can be read."""

import numpy as np
import SimpleITK as sitk

from ggngan_tf.data import dicom

SHAPE = (8, 40, 48)
SPACING = (2.0, 0.7, 0.8)  # slice, row, column, mm
ORIGIN = (-20.0, -30.0, 100.0)  # x, y, z, mm


def hu() -> np.ndarray:
    """Returns noise in HU with values of lung and of bone, int16 `(slice, row, column)`."""
    random = np.random.default_rng(5)
    return random.integers(-1000, 400, SHAPE).astype(np.int16)


def labels() -> np.ndarray:
    """Returns two blocks, 1 in slices 2 and 3, 2 in slice 5, uint8 `(slice, row, column)`."""
    found = np.zeros(SHAPE, np.uint8)
    found[2:4, 10:15, 20:28] = 1
    found[5, 30:33, 5:9] = 2
    return found


def image(values, spacing=SPACING, origin=ORIGIN) -> sitk.Image:
    made = sitk.GetImageFromArray(values)
    made.SetSpacing([float(s) for s in spacing[::-1]])
    made.SetOrigin([float(o) for o in origin])
    return made


def save(values, path, **geometry):
    sitk.WriteImage(image(values, **geometry), str(path))
    return path


def save_dicom(folder, values=None):
    values = hu() if values is None else values
    return dicom.new_series(
        values, SPACING[1:], SPACING[0], folder, seed=1, patient_id="P1", origin=ORIGIN
    )
