"""Discs in noise, as nodules: for benchmarks that need pixels and no patients."""

import numpy as np

from ggngan_tf.data import nodules


def drawn(rows: int, size: int, radius: int = 8) -> nodules.NoduleSet:
    """Returns noise with a disc in the middle of each slice, one a patient."""
    random = np.random.default_rng(0)
    row, column = np.mgrid[:size, :size] - size // 2
    disc = np.hypot(row, column) <= radius
    image = random.normal(-850, 40, (rows, size, size)) + 250 * disc
    text, ratings = np.array([f"P{i}" for i in range(rows)]), np.full((rows, 4), 2, np.int8)
    return nodules.NoduleSet(
        image=image.astype(np.int16),
        mask=np.repeat(disc[None].astype(np.uint8), rows, axis=0),
        roi_centre=np.full((rows, 2), size // 2, np.int32),
        pixel_spacing=np.full((rows, 2), 0.7, np.float32),
        texture=ratings,
        malignancy=ratings,
        subtlety=ratings,
        patient_id=text,
        series_uid=text,
        sop_uid=text,
        manufacturer=text,
        nodule_id=np.arange(rows, dtype=np.int32),
        attributes={"licence": "CC0", "note": "drawn"},
    )
