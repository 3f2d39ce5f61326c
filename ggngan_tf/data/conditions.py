"""What a nodule is asked to be: texture grade, malignancy rating, and how its HU are distributed.

Its diameter and shape are asked for by the mask and need no number.
"""

import pathlib

import numpy as np
import tensorflow as tf

from ggngan_tf import config, errors, inpainting
from ggngan_tf.data import nodules

# Grades 1 to 5; HU, mean and standard deviation; third and fourth standardised moment; how alike
# neighbouring pixels are, from noise (0) to a smooth hill (1); which share of the variance is that
# of means over 5 x 5 pixels; how many HU the outermost pixels lie above the mean.
NAMES = (
    "texture",
    "malignancy",
    "density",
    "spread",
    "skewness",
    "kurtosis",
    "correlation",
    "structure",
    "edge",
)
UNKNOWN = 3.0  # the middle of the scale, for a nodule that no reader rated
# Where no real nodules are known: the medians of LIDC-IDRI's ground glass, columns of `table`.
TYPICAL = np.float32(
    [[1.0, 146.0, -856.0, 28.5, 1.0, 3.0, -639.0, 105.0, 0.16, 2.65, 0.57, 0.25, -47.0]]
)
_AERATED = -500.0  # HU; what is denser around a nodule is a vessel, another nodule or no lung
_VESSEL = 100.0  # HU that one pixel may add to the noise at most
_NEAREST = 8
_LEAST = 90.0  # HU above the lung around: as nine of ten real ones are; fainter is hardly seen
_ASKED = 4.0  # how much more what was asked for weighs than the place: a grade is two of size
_NEVER = 1e6
FILE = "nodules.csv"  # of a run and of an exported model
_COLUMNS = ("chosen", "pixels", "lung", "noise", *NAMES)
_HEADER = ",".join(_COLUMNS)
_MIDDLE = (3.0, 3.0, -500.0, 100.0, 0.2, 1.0, 0.5, 0.3, -60.0)  # of kurtosis the logarithm
_REACH = (2.0, 2.0, 300.0, 100.0, 1.0, 0.5, 0.4, 0.3, 80.0)  # from the middle to where 1 is
_STRUCTURE = 5  # pixels: wider than noise and than a pattern that would pass for structure
_NOISE = 25.0  # HU squared added to a variance that is divided by: flat regions have no shape


def measure(chosen: nodules.NoduleSet, window: tuple[float, float]) -> np.ndarray:
    """Returns what real nodules are, float32 `(nodule, 9)`, in the order of `NAMES`.

    Args:
        chosen: The nodules. Texture and malignancy are the mean of the ratings that were given.
        window: HU that intensities are clipped to before they are measured inside the mask.
    """
    hu = np.clip(chosen.image[..., None].astype(np.float32), *window)
    inside = (chosen.mask[..., None] > 0).astype(np.float32)
    ratings = [_mean_rating(chosen.texture), _mean_rating(chosen.malignancy)]
    return np.column_stack([*ratings, distribution(hu, inside)]).astype(np.float32)


def distribution(hu: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns what `NAMES` lists behind the ratings, inside masks, float32 `(batch, 7)`.

    Gradients flow through them, also where a region is flat.

    Args:
        hu: `(batch, row, column, 1)`.
        mask: The same shape, 1 inside.
    """
    hu, mask = tf.cast(hu, tf.float32), tf.cast(mask, tf.float32)
    density = _mean(hu, mask)
    centred = hu - density[:, None, None, None]
    variance = _mean(centred**2, mask)
    unit = centred / tf.sqrt(variance + _NOISE)[:, None, None, None]
    spread = tf.sqrt(variance + 1e-3)  # a root has no gradient at 0
    shape = [_mean(unit**3, mask), _mean(unit**4, mask)]
    below, right = _mean_product(unit, mask, 1), _mean_product(unit, mask, 2)
    coarse = _local_means(unit, mask)
    outermost = mask - (1.0 - inpainting.dilate(1.0 - mask, 1))
    texture = [(below + right) / 2, _mean(coarse**2, mask), _mean(hu, outermost) - density]
    return tf.stack([density, spread, *shape, *texture], axis=1)


def _mean(values, mask):
    return tf.reduce_sum(values * mask, (1, 2, 3)) / tf.maximum(tf.reduce_sum(mask, (1, 2, 3)), 1.0)


def _mean_product(values, mask, axis):
    """Returns the mean product of pixels and their next ones along an axis, where both are in."""
    return _mean(values * tf.roll(values, -1, axis), mask * tf.roll(mask, -1, axis))


def _local_means(values, mask):
    """Returns for each pixel the mean of those inside among the 5 x 5 around it."""
    total, share = (tf.nn.avg_pool2d(part, _STRUCTURE, 1, "SAME") for part in (values * mask, mask))
    return total / tf.maximum(share, 1e-3)


def table(
    chosen: nodules.NoduleSet, settings: config.Config, others: nodules.NoduleSet | None = None
) -> np.ndarray:
    """Returns what `draw` draws from, float32 `(nodule, 13)`, in the order of the file's header.

    Args:
        chosen: The nodules that are painted if no texture is asked for.
        settings: How they are erased, and the window.
        others: Nodules of other textures.
    """
    parts = [(1.0, chosen)] + ([(0.0, others)] if others is not None and len(others) else [])
    rows = [np.insert(_rows(part, settings), 0, own, axis=1) for own, part in parts]
    return np.concatenate(rows).astype(np.float32)


def _rows(chosen, settings):
    mask = tf.constant(chosen.mask[..., None] > 0, tf.float32)
    if settings.erase.shape == "contour":
        mask = inpainting.dilate(mask, settings.erase.dilation)
    pixels = tf.reduce_sum(mask, axis=(1, 2, 3))
    hu = tf.clip_by_value(tf.cast(chosen.image[..., None], tf.float32), *settings.data.window)
    known = place(hu, mask, pixels).numpy()
    return np.column_stack([known, measure(chosen, settings.data.window)])


def place(hu: tf.Tensor, hole: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """Returns what is known of a place without looking into the hole, float32 `(region, 3)`.

    The pixels to be painted, and of the aerated lung around them the mean HU and the noise (mean
    absolute difference from the blurred image, HU).

    Args:
        hu: `(region, row, column, 1)`.
        hole: The same shape, 1 where to paint.
        pixels: `(region,)`, how many pixels are to be painted.
    """
    near = inpainting.dilate(hole, 4)  # the blur of no pixel behind it sees into the hole
    ring = (inpainting.dilate(near, 5) - near) * tf.cast(hu < _AERATED, tf.float32)
    noise = tf.minimum(tf.abs(inpainting.residual(hu)), _VESSEL)
    count = tf.reduce_sum(ring, (1, 2, 3))
    # One pixel of typical lung stands in where none is around.
    level, rough = (
        (tf.reduce_sum(ring * values, (1, 2, 3)) + typical) / (count + 1.0)
        for values, typical in ((hu, TYPICAL[0, 2]), (noise, TYPICAL[0, 3]))
    )
    return tf.stack([tf.cast(pixels, tf.float32), level, rough], axis=1)


def write(known: np.ndarray, path: pathlib.Path) -> None:
    """Writes what `table` returned as CSV."""
    np.savetxt(path, known, "%.4g", ",", header=_HEADER, comments="")


def read(path: pathlib.Path) -> np.ndarray:
    """Returns what `write` wrote, float32 `(nodule, 13)`.

    Raises:
        ModelError: It is missing or not such a table.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        if lines[0] != _HEADER:
            raise ValueError(lines[0])
        rows = [line.split(",") for line in lines[1:]]
        return np.array(rows, np.float32).reshape(-1, len(_COLUMNS))
    except (OSError, ValueError, IndexError) as error:
        raise errors.ModelError(
            f"{path}: is not a table of nodules ({error}); needed is a line {_HEADER!r} and one "
            "line a nodule, as `ggngan train` writes it."
        ) from None


def draw(known: tf.Tensor, places: tf.Tensor, asked: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
    """Returns conditions `(region, 9)`: what was asked for, the rest that of a nodule like it.

    Density and its spread go with size, texture, the lung around and the scanner's noise. So the
    rest is taken from one real nodule, drawn from the eight that are nearest in these and in what
    was asked for; its density is as far above the lung around as it was in its own place. Without
    a texture asked for, it is one of those that the generator is for.

    Args:
        known: float32 `(nodule, 13)`, as `table` returns it.
        places: float32 `(region, 3)`, as `place` returns it.
        asked: float32 `(region, 9)`, NaN where nothing was asked for.
        seeds: int32 `(region, 2)`.
    """
    apart = tf.abs(_comparable(places)[:, None] - _comparable(known[:, 1:4])[None])
    wanted = tf.abs(scaled(asked)[:, None] - scaled(known[:, 4:])[None])
    wanted = tf.where(tf.math.is_nan(wanted), 0.0, wanted) * _ASKED
    distance = tf.reduce_sum(apart, axis=-1) + tf.reduce_sum(wanted, axis=-1)
    free = tf.cast(tf.math.is_nan(asked[:, :1]), tf.float32)
    distance += _NEVER * free * (1.0 - known[None, :, 0])
    nearest = tf.math.top_k(-distance, k=min(_NEAREST, known.shape[0])).indices
    count = tf.shape(nearest)[1]
    turns = tf.map_fn(
        lambda seed: tf.random.stateless_uniform((), seed, maxval=count, dtype=tf.int32), seeds
    )
    row = tf.gather(known, tf.gather(nearest, turns, batch_dims=1))
    texture, malignancy, density, *rest = tf.unstack(row[:, 4:], axis=1)
    density = places[:, 1] + tf.maximum(density - row[:, 2], _LEAST)
    drawn = tf.stack([texture, malignancy, density, *rest], axis=1)
    return tf.where(tf.math.is_nan(asked), drawn, asked)


def _comparable(places):
    """Returns places in units that weigh alike: half of size, 50 HU of lung, a fifth of noise."""
    size, level, noise = tf.unstack(places, axis=1)
    parts = [tf.math.log(size) / 0.7, level / 50.0, tf.math.log(noise + 1.0) / 0.2]
    return tf.stack(parts, axis=1)


def scaled(conditions: tf.Tensor) -> tf.Tensor:
    """Returns conditions `(batch, 9)` as the networks see them, about -1 to 1."""
    kurtosis = NAMES.index("kurtosis")
    columns = tf.unstack(conditions, axis=1)
    columns[kurtosis] = tf.math.log(columns[kurtosis])
    straight = tf.stack(columns, axis=1)
    return (straight - tf.constant(_MIDDLE)) / tf.constant(_REACH)


def _mean_rating(ratings):
    given = (ratings > 0).sum(axis=1)
    total = ratings.sum(axis=1, dtype=np.float64)
    return np.where(given > 0, total / np.maximum(given, 1), UNKNOWN)
