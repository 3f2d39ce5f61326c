"""The losses of Eq. 1 to 3; float32 whatever the networks' precision."""

import tensorflow as tf


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


def adversarial_loss(logits: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `-log D`, a scalar float32, from logits of any shape.

    Source: Eq. 2, as a mean over the batch and not a sum, so that it does not grow with the batch;
    `softplus` does not overflow.
    """
    return tf.reduce_mean(tf.nn.softplus(-tf.cast(logits, tf.float32)))


def discriminator_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Returns the mean of `-log D(x) - log(1 - D(G(x)))`, a scalar float32, from logits.

    Source: Goodfellow et al., 2014, whose game the paper plays; log(1 - D) is log D with the sign
    of its logit turned.
    """
    return adversarial_loss(real) + adversarial_loss(-fake)
