"""CT files drawn for tests, and ways to spoil them."""

import pathlib

import numpy as np
import pydicom

from ggngan_tf.data import dicom


def volume(slices: int = 4, rows: int = 24, columns: int = 32, seed: int = 0) -> np.ndarray:
    """Returns noise that no two pixels' exchange leaves as it was, int16, HU."""
    random = np.random.default_rng(seed)
    return random.integers(-1000, 1000, (slices, rows, columns), dtype=np.int16)


def series(folder: pathlib.Path, hu: np.ndarray | None = None, **changes) -> list[pathlib.Path]:
    """Writes a clean series of 0.5 x 0.75 mm pixels and 2 mm slices."""
    hu = volume() if hu is None else hu
    return dicom.new_series(hu, (0.5, 0.75), 2.0, folder, **{"seed": 1} | changes)


def spoil(path: pathlib.Path, **tags) -> pathlib.Path:
    """Sets elements of a file, or takes those away that are None, without any check."""
    with pydicom.config.disable_value_validation():
        dataset = pydicom.dcmread(path)
        for name, value in tags.items():
            if value is None:
                del dataset[name]
            else:
                setattr(dataset, name, value)
        dataset.save_as(path, enforce_file_format=True)
    return path
