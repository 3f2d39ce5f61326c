"""Fixtures that tests share: real data where it is, small sets where it is not."""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before anything imports TensorFlow

import numpy as np
import pytest

from ggngan_tf.data import nodules

ROOT = pathlib.Path(__file__).resolve().parents[1]


def shared(path: str) -> pathlib.Path:
    """Returns a path in the folder of real data, or skips the test that asks for it."""
    found = pathlib.Path(os.environ.get("GGNGAN_DATA", ROOT.parent / "shared")) / path
    if not found.exists():
        pytest.skip(f"real data is not here: {found} (set GGNGAN_DATA to the folder that has it)")
    return found


@pytest.fixture(scope="session")
def lidc_path() -> pathlib.Path:
    return shared("lidc/nodules.h5")


@pytest.fixture(scope="session")
def lidc(lidc_path) -> nodules.NoduleSet:
    return nodules.read(lidc_path)


def make_set(rows: int = 6, size: int = 71, seed: int = 0, **changes) -> nodules.NoduleSet:
    """Returns nodules drawn as noisy discs in lung-like noise, one a patient."""
    random = np.random.default_rng(seed)
    row, column = np.mgrid[:size, :size] - size // 2
    discs = np.stack([np.hypot(row, column) <= random.uniform(4, 10) for _ in range(rows)])
    image = random.normal(-850, 40, (rows, size, size)) + 250 * discs
    text = np.array([f"P{i:03d}" for i in range(rows)])
    columns = dict(
        image=image.astype(np.int16),
        mask=discs.astype(np.uint8),
        roi_centre=np.full((rows, 2), size // 2, np.int32),
        pixel_spacing=np.full((rows, 2), 0.7, np.float32),
        texture=np.tile(np.array([1, 2, 0, 0], np.int8), (rows, 1)),
        malignancy=np.full((rows, 4), 3, np.int8),
        subtlety=np.full((rows, 4), 3, np.int8),
        patient_id=text,
        series_uid=np.array([f"1.2.{i}" for i in range(rows)]),
        sop_uid=np.array([f"1.2.{i}.1" for i in range(rows)]),
        manufacturer=np.full(rows, "ACME"),
        nodule_id=np.arange(rows, dtype=np.int32),
        attributes={"licence": "CC0", "note": "drawn for a test"},
    )
    return nodules.NoduleSet(**columns | changes)


@pytest.fixture
def small_set() -> nodules.NoduleSet:
    return make_set()
