"""Whether a batch of painted nodules is distributed as the real ones are, by radiomic features.

The paper names the missing complexity of its nodules, and radiomics in the loss as the cure. Two
nodules that fit one hole need not be alike, so that no nodule is compared with the one that was
erased: the batch as a whole is compared with the real batch. What is measured are smooth kin of the
features that PyRadiomics computes: percentiles, moments, differences and correlations of
neighbouring pixels, the entropy of the histogram, and what the border looks like.
"""

import tensorflow as tf

from ggngan_tf import inpainting

# Rows and columns apart.
_NEIGHBOURS = (
    (0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (0, 3), (3, 0), (0, 4), (4, 0),
)  # fmt: skip
_PERCENTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
_NOISE = 25.0  # HU squared added to variances, so that flat regions have a logarithm
_BIN = 50.0  # HU between the histogram's bins
# By what a feature is divided: about its standard deviation over the ground glass nodules of
# LIDC-IDRI, so that each counts alike.
_HU, _LOG, _SHARE = 150.0, 0.9, 0.25


def loss(real: tf.Tensor, painted: tf.Tensor) -> tf.Tensor:
    """Returns the energy distance of two batches of features, a scalar float32.

    Twice the mean distance of painted from real nodules, less the mean distances inside each batch;
    0 in expectation where both are drawn from one distribution, and never below 0 but by chance.
    The distance is the Euclidean one and, over the root of their number, the sum of the features'
    own, which keeps each one's distribution too. A nodule is not compared with its own twin, which
    would pull it towards the mean of all that fit.

    Args:
        real: `(batch, feature)`, of a batch of 2 or more.
        painted: The same shape; row i is painted where the real nodule i was erased.

    Source: Székely and Rizzo, J Stat Plan Inference 143 (2013), eq. 2, as a U-statistic.
    """
    across = _mean_distance(painted, real)
    return 2.0 * across - _mean_distance(painted, painted) - _mean_distance(real, real)


def features(image: tf.Tensor, mask: tf.Tensor, hole: tf.Tensor, reach: float) -> tf.Tensor:
    """Returns features that gradients flow through, `(batch, feature)` float32, each about 1 wide.

    Args:
        image: `(batch, row, column, 1)` in [0, 1].
        mask: The same shape, 1 in the nodule.
        hole: The same shape, 1 where it was painted: the nodule and a little around it.
        reach: HU from 0 to 1 of `image`.
    """
    hu = tf.cast(image, tf.float32) * reach
    mean = _mean(hu, mask)
    centred = hu - mean[:, None, None, None]
    variance = _mean(centred**2, mask) + _NOISE
    found = [mean / _HU, tf.math.log(variance) / _LOG]
    unit = centred / tf.sqrt(variance)[:, None, None, None]
    found += [_mean(unit**3, mask), tf.sqrt(_mean(unit**4, mask))]
    found += [p / _HU for p in _percentiles(hu, mask)]
    found += _texture(hu, centred, variance, mask)
    found += [_entropy(hu, mask, reach)]
    found += _border(hu, mask, hole)
    return tf.stack(found, axis=1)


def _mean_distance(one, other):
    apart = one[:, None] - other[None]
    distance = tf.sqrt(tf.reduce_sum(apart**2, axis=-1) + 1e-6)  # a root has no gradient at 0
    features = tf.cast(tf.shape(one)[1], tf.float32)  # gathered from devices, a shape is unknown
    distance += tf.reduce_sum(tf.abs(apart), axis=-1) / tf.sqrt(features)
    count = tf.cast(tf.shape(one)[0], tf.float32)
    return (tf.reduce_sum(distance) - tf.linalg.trace(distance)) / (count * (count - 1.0))


def _mean(values, weights):
    return tf.reduce_sum(values * weights, (1, 2, 3)) / (tf.reduce_sum(weights, (1, 2, 3)) + 1e-6)


def _percentiles(hu, mask):
    """Returns percentiles inside the mask, each `(batch,)`."""
    outside = tf.where(mask > 0.5, hu, hu.dtype.max)
    ordered = tf.sort(tf.reshape(outside, (tf.shape(hu)[0], -1)), axis=1)
    last = tf.reduce_sum(mask, (1, 2, 3)) - 1.0
    places = [tf.cast(tf.round(tf.maximum(share * last, 0.0)), tf.int32) for share in _PERCENTILES]
    return [tf.gather(ordered, place, batch_dims=1) for place in places]


def _texture(hu, centred, variance, mask):
    """Returns contrast and correlation of neighbouring pixels (co-occurrence without its bins)."""
    found = []
    for rows, columns in _NEIGHBOURS:
        both = mask * _shifted(mask, rows, columns)
        contrast = _mean((hu - _shifted(hu, rows, columns)) ** 2, both) + _NOISE
        joint = _mean(centred * _shifted(centred, rows, columns), both)
        found += [tf.math.log(contrast) / _LOG, joint / variance / _SHARE]
    return found


def _entropy(hu, mask, reach):
    """Returns the entropy of a histogram whose bins overlap, `(batch,)`."""
    middle = tf.range(0.0, reach + _BIN, _BIN)
    inside = tf.exp(-0.5 * ((hu - middle) / (0.6 * _BIN)) ** 2) * mask
    share = tf.reduce_sum(inside, (1, 2))
    share /= tf.reduce_sum(share, axis=1, keepdims=True) + 1e-6
    return -tf.reduce_sum(share * tf.math.log(share + 1e-6), axis=1) / 0.5


def _border(hu, mask, hole):
    """Returns the nodule's edge, the rim painted around it, and the step across the hole's end."""
    core = 1.0 - inpainting.dilate(1.0 - mask, 1)
    rim, outside = hole - mask, inpainting.dilate(hole, 2) - hole
    means = [_mean(hu, mask - core), _mean(hu, rim), _mean(hu, rim) - _mean(hu, outside)]
    squares, count = 0.0, 1e-6
    for rows, columns in _NEIGHBOURS[:2]:
        across = tf.abs(hole - _shifted(hole, rows, columns))
        squares += tf.reduce_sum(across * (hu - _shifted(hu, rows, columns)) ** 2, (1, 2, 3))
        count += tf.reduce_sum(across, (1, 2, 3))
    return [mean / _HU for mean in means] + [tf.math.log(squares / count + _NOISE) / _LOG]


def _shifted(images, rows, columns):
    return tf.roll(images, (-rows, -columns), (1, 2))
