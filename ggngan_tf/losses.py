"""The losses of Eq. 1 to 3 and their rivals; float32 whatever the networks' precision."""

import typing
from collections.abc import Callable

import tensorflow as tf

from ggngan_tf import inpainting

_CHANCE = 0.8  # of a nodule's spread
_REACH = 10  # pixels from one end of SSIM's filter to the other


def ssim_loss(target: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `1 - SSIM` over a batch, a scalar float32 in [0, 2].

    Args:
        target: `(batch, row, column, 1)` in [0, 1]; sides of 11 pixels or more.
        image: The same shape and range; gradients flow through it.

    Raises:
        ValueError: The two differ in shape.

    Source: Eq. 3, whose print adds factors that SSIM multiplies; this is SSIM (Wang et al., 2004).
    """
    if target.shape[1:] != image.shape[1:]:
        raise ValueError(f"target is {target.shape} and image {image.shape}; make them one shape.")
    target, image = tf.cast(target, tf.float32), tf.cast(image, tf.float32)
    return 1.0 - tf.reduce_mean(tf.image.ssim(target, image, max_val=1.0))


def pasted_ssim_loss(
    target: tf.Tensor, image: tf.Tensor, origin: tf.Tensor, size: int
) -> tf.Tensor:
    """Returns `ssim_loss` of images that equal their targets outside a square, and its gradient.

    SSIM is 1 wherever its 11 x 11 filter sees no pixel that differs, so the mean over the slice
    follows from the square and the filter's reach around it.

    Args:
        target: `(batch, row, column, 1)` in [0, 1].
        image: The same shape and range.
        origin: int32 `(batch, 2)`, first row and column of the squares, inside the image.
        size: Their side in pixels.
    """
    sides = target.shape[1:3]
    rows, columns = (min(side, size + 2 * _REACH) for side in sides)
    last = tf.constant([sides[0] - rows, sides[1] - columns])
    corner = tf.clip_by_value(origin - _REACH, 0, last)
    cut = (inpainting.crop(images, corner, rows, columns) for images in (target, image))
    seen = (rows - _REACH) * (columns - _REACH)
    return ssim_loss(*cut) * seen / ((sides[0] - _REACH) * (sides[1] - _REACH))


def absolute_loss(target: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    """Returns the mean absolute difference of two tensors of one shape, a scalar float32."""
    return tf.reduce_mean(tf.abs(tf.cast(target, tf.float32) - tf.cast(found, tf.float32)))


def diversity_loss(apart: tf.Tensor, mask: tf.Tensor, spread: tf.Tensor) -> tf.Tensor:
    """Returns how much too alike two paintings of one place are, a scalar float32.

    A generator that paints a place always alike makes up the spread of a nodule's pixels by a
    pattern. Where texture is chance, two paintings differ by the root of two times the spread;
    `_CHANCE` of it is asked for, since that a nodule fades towards its edge is none.

    Args:
        apart: `(batch, row, column, 1)`, HU, by what the two differ.
        mask: The same shape, 1 in the nodule.
        spread: `(batch,)`, HU, of a nodule's pixels about their mean.

    Source: ours, after the mode seeking of Mao et al., CVPR 2019 (arXiv:1903.05628).
    """
    pixels = tf.maximum(tf.reduce_sum(mask, (1, 2, 3)), 1.0)
    chance = tf.sqrt(tf.reduce_sum(apart**2 * mask, (1, 2, 3)) / pixels / 2.0 + 1.0)
    return tf.reduce_mean(tf.nn.relu(1.0 - chance / (_CHANCE * spread)))


def adversarial_loss(logits: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `-log D`, a scalar float32, from logits of any shape.

    Source: Eq. 2, as a mean over the batch and not a sum, so that it does not grow with the batch;
    `softplus` does not overflow.
    """
    return tf.reduce_mean(tf.nn.softplus(-tf.cast(logits, tf.float32)))


def discriminator_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `-log D(x) - log(1 - D(G(x)))`, a scalar float32, from logits.

    Args:
        real: Logits of real images.
        fake: Logits of painted ones.

    Source: Goodfellow et al., 2014, whose game the paper plays; log(1 - D) is log D with the sign
    of its logit turned.
    """
    return adversarial_loss(real) + adversarial_loss(-fake)


def relativistic_generator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `-log sigmoid(fake - real)`, each slice against its own painted twin.

    Source: Jolicoeur-Martineau, 2018 (arXiv:1807.00734), the paired form.
    """
    return adversarial_loss(tf.cast(fake, tf.float32) - tf.cast(real, tf.float32))


def relativistic_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `-log sigmoid(real - fake)`."""
    return relativistic_generator(fake, real)


def r1_penalty(gradient: tf.Tensor, weight: float) -> tf.Tensor:
    """Returns half of `weight` times the mean squared length of gradients, a scalar float32.

    Args:
        gradient: Of the logits of real images by their pixels, `(batch, row, column, channel)`.
        weight: Gamma.

    Source: Mescheder et al., ICML 2018 (arXiv:1801.04406), equation 9.
    """
    squares = tf.reduce_sum(tf.square(tf.cast(gradient, tf.float32)), axis=(1, 2, 3))
    return 0.5 * weight * tf.reduce_mean(squares)


class Game(typing.NamedTuple):
    """What each side minimises, both from the logits of real and of painted images."""

    generator: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    discriminator: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


GAMES = {
    "standard": Game(lambda real, fake: adversarial_loss(fake), discriminator_loss),
    "relativistic": Game(relativistic_generator, relativistic_discriminator),
}
