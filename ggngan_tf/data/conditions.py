"""What a nodule is asked to be: its texture grade, malignancy rating and mean density.

Its diameter and shape are asked for by the mask and need no number.
"""

import numpy as np
import tensorflow as tf

from ggngan_tf.data import nodules

NAMES = ("texture", "malignancy", "density")  # grades 1 to 5, and HU
UNKNOWN = 3.0  # the middle of the scale, for a nodule that no reader rated
_MIDDLE = (3.0, 3.0, -500.0)
_REACH = (2.0, 2.0, 300.0)  # from the middle to where [-1, 1] ends


def measure(chosen: nodules.NoduleSet, window: tuple[float, float]) -> np.ndarray:
    """Returns what real nodules are, float32 `(nodule, 3)`, in the order of `NAMES`.

    Args:
        chosen: The nodules. Texture and malignancy are the mean of the ratings that were given.
        window: HU that intensities are clipped to before the mean inside the mask is taken.
    """
    hu = np.clip(chosen.image.astype(np.float32), *window)
    inside = chosen.mask > 0
    sums = (hu * inside).sum(axis=(1, 2))
    density = sums / np.maximum(inside.sum(axis=(1, 2)), 1)
    columns = [_mean_rating(chosen.texture), _mean_rating(chosen.malignancy), density]
    return np.stack(columns, axis=1).astype(np.float32)


def scaled(conditions: tf.Tensor) -> tf.Tensor:
    """Returns conditions `(batch, 3)` as the networks see them, about -1 to 1."""
    return (conditions - tf.constant(_MIDDLE)) / tf.constant(_REACH)


def _mean_rating(ratings):
    given = (ratings > 0).sum(axis=1)
    total = ratings.sum(axis=1, dtype=np.float64)
    return np.where(given > 0, total / np.maximum(given, 1), UNKNOWN)
