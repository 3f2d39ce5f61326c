"""What a nodule is asked to be: texture grade, malignancy rating, mean density and its spread.

Its diameter and shape are asked for by the mask and need no number.
"""

import pathlib

import numpy as np
import tensorflow as tf

from ggngan_tf import config, errors, inpainting
from ggngan_tf.data import nodules

NAMES = ("texture", "malignancy", "density", "spread")  # grades 1 to 5; HU, mean and deviation
UNKNOWN = 3.0  # the middle of the scale, for a nodule that no reader rated
# Of a nodule that nothing is known of: the median of LIDC-IDRI's ground glass; hole, then the rest.
TYPICAL = np.float32([[150.0, 1.5, 3.0, -620.0, 105.0]])
_NEAREST = 16
FILE = "nodules.csv"  # of a run and of an exported model
_HEADER = "pixels," + ",".join(NAMES)
_MIDDLE = (3.0, 3.0, -500.0, 100.0)
_REACH = (2.0, 2.0, 300.0, 100.0)  # from the middle to where [-1, 1] ends


def measure(chosen: nodules.NoduleSet, window: tuple[float, float]) -> np.ndarray:
    """Returns what real nodules are, float32 `(nodule, 4)`, in the order of `NAMES`.

    Args:
        chosen: The nodules. Texture and malignancy are the mean of the ratings that were given.
        window: HU that intensities are clipped to before mean and standard deviation inside the
            mask are taken.
    """
    hu = np.clip(chosen.image.astype(np.float32), *window)
    inside = chosen.mask > 0
    count = np.maximum(inside.sum(axis=(1, 2)), 1)
    density = (hu * inside).sum(axis=(1, 2)) / count
    squares = ((hu - density[:, None, None]) ** 2 * inside).sum(axis=(1, 2))
    ratings = [_mean_rating(chosen.texture), _mean_rating(chosen.malignancy)]
    columns = [*ratings, density, np.sqrt(squares / count)]
    return np.stack(columns, axis=1).astype(np.float32)


def table(chosen: nodules.NoduleSet, settings: config.Config) -> np.ndarray:
    """Returns what `draw` draws from, float32 `(nodule, 5)`: pixels of the hole, then `measure`."""
    mask = tf.constant(chosen.mask[..., None] > 0, tf.float32)
    if settings.erase.shape == "contour":
        mask = inpainting.dilate(mask, settings.erase.dilation)
    pixels = tf.reduce_sum(mask, axis=(1, 2, 3)).numpy()
    return np.column_stack([pixels, measure(chosen, settings.data.window)]).astype(np.float32)


def write(known: np.ndarray, path: pathlib.Path) -> None:
    """Writes what `table` returned as CSV."""
    np.savetxt(path, known, "%.4g", ",", header=_HEADER, comments="")


def read(path: pathlib.Path) -> np.ndarray:
    """Returns what `write` wrote, float32 `(nodule, 5)`.

    Raises:
        ModelError: It is missing or not such a table.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        if lines[0] != _HEADER:
            raise ValueError(lines[0])
        return np.array([line.split(",") for line in lines[1:]], np.float32).reshape(-1, 5)
    except (OSError, ValueError, IndexError) as error:
        raise errors.ModelError(
            f"{path}: is not a table of nodules ({error}); needed is a line {_HEADER!r} and one "
            "line a nodule, as `ggngan train` writes it."
        ) from None


def draw(known: tf.Tensor, pixels: tf.Tensor, asked: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
    """Returns conditions `(region, 4)`: what was asked for, the rest that of a nodule like it.

    Density and its spread go with size and texture. So the rest is taken from one real nodule,
    drawn from the sixteen that are nearest in size and in what was asked for.

    Args:
        known: float32 `(nodule, 5)`, as `table` returns it.
        pixels: int32 `(region,)`, how many pixels are to be painted.
        asked: float32 `(region, 4)`, NaN where nothing was asked for.
        seeds: int32 `(region, 2)`.
    """
    size = tf.math.log(tf.cast(pixels, tf.float32)[:, None] / known[None, :, 0])
    apart = scaled(asked)[:, None] - scaled(known[:, 1:])[None]
    apart = tf.where(tf.math.is_nan(apart), 0.0, apart)
    distance = tf.abs(size) + tf.reduce_sum(tf.abs(apart), axis=-1)
    nearest = tf.math.top_k(-distance, k=min(_NEAREST, known.shape[0])).indices
    count = tf.shape(nearest)[1]
    places = tf.map_fn(
        lambda seed: tf.random.stateless_uniform((), seed, maxval=count, dtype=tf.int32), seeds
    )
    drawn = tf.gather(known[:, 1:], tf.gather(nearest, places, batch_dims=1))
    return tf.where(tf.math.is_nan(asked), drawn, asked)


def scaled(conditions: tf.Tensor) -> tf.Tensor:
    """Returns conditions `(batch, 4)` as the networks see them, about -1 to 1."""
    return (conditions - tf.constant(_MIDDLE)) / tf.constant(_REACH)


def _mean_rating(ratings):
    given = (ratings > 0).sum(axis=1)
    total = ratings.sum(axis=1, dtype=np.float64)
    return np.where(given > 0, total / np.maximum(given, 1), UNKNOWN)
