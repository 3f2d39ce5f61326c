"""The schema `ggngan-nodules/1`: what columns a set has, and what does not conform to it.

`docs/design.md`, section 3, is its reference.
"""

import numpy as np

from ggngan_tf import errors

SCHEMA = "ggngan-nodules/1"

# name: (type, number of dimensions, required)
NUMBERS = {
    "image": (np.int16, 3, True),
    "mask": (np.uint8, 3, True),
    "lung": (np.uint8, 3, False),
    "roi_centre": (np.int32, 2, True),
    "slice_origin": (np.int32, 2, False),
    "pixel_spacing": (np.float32, 2, True),
    "texture": (np.int8, 2, True),
    "malignancy": (np.int8, 2, True),
    "subtlety": (np.int8, 2, True),
    "nodule_id": (np.int32, 1, True),
}
STRINGS = ("patient_id", "series_uid", "sop_uid", "manufacturer")
PIXELS = ("image", "mask", "lung")
RATINGS = ("texture", "malignancy", "subtlety")


def check(nodules) -> None:
    """Refuses a `NoduleSet` whose columns do not conform.

    Raises:
        NoduleSetError: The first column that does not, what was found and what is needed.
    """
    rows, size = len(nodules.image), nodules.image.shape[1:]
    for name, (_, dimensions, _) in NUMBERS.items():
        values = getattr(nodules, name)
        if values is None:
            continue
        if values.ndim != dimensions or len(values) != rows:
            raise errors.NoduleSetError(
                f"dataset {name} has shape {values.shape}, needed are {dimensions} dimensions "
                f"and {rows} rows, as image has."
            )
        if name in PIXELS and values.shape[1:] != size:
            raise errors.NoduleSetError(
                f"dataset {name} has shape {values.shape}, needed is that of image, "
                f"{nodules.image.shape}."
            )
    for name in STRINGS:
        if getattr(nodules, name).shape != (rows,):
            raise errors.NoduleSetError(
                f"dataset {name} has shape {getattr(nodules, name).shape}, needed is ({rows},)."
            )
    _check_values(nodules)


def _check_values(nodules):
    for name in ("roi_centre", "slice_origin", "pixel_spacing"):
        values = getattr(nodules, name)
        if values is not None and values.shape[1] != 2:
            raise errors.NoduleSetError(
                f"dataset {name} has shape {values.shape}, needed is ({len(values)}, 2)."
            )
    for name in RATINGS:
        _check_rows(nodules, name, lambda v: np.any((v < 0) | (v > 5), axis=1), "ratings 0 to 5")
    size = np.array(nodules.image.shape[1:])
    outside = lambda v: np.any((v < 0) | (v >= size), axis=1)  # noqa: E731
    _check_rows(nodules, "roi_centre", outside, f"a pixel of the {size[0]} x {size[1]} image")
    spacing = lambda v: ~np.all((v > 0) & np.isfinite(v), axis=1)  # noqa: E731
    _check_rows(nodules, "pixel_spacing", spacing, "mm above 0")
    empty = ~nodules.mask.any(axis=(1, 2))
    if empty.any():
        raise errors.NoduleSetError(
            f"dataset mask, row {int(np.argmax(empty))}: empty; mark the nodule's pixels with 1."
        )


def _check_rows(nodules, name, is_bad, needed):
    values = getattr(nodules, name)
    bad = is_bad(values)
    if bad.any():
        row = int(np.argmax(bad))
        raise errors.NoduleSetError(
            f"dataset {name}, row {row}: found {values[row].tolist()}, needed are {needed}."
        )
