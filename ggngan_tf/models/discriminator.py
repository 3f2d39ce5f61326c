"""The discriminators: one ResNet, in two sizes and depths (Fig. 2; He et al., 2016)."""

import keras
import tensorflow as tf

from ggngan_tf import config, inpainting
from ggngan_tf.data import conditions
from ggngan_tf.models import blocks


@keras.saving.register_keras_serializable("ggngan_tf")
class Discriminator(keras.Model):
    """Judges images: `(batch, row, column, channels)` to logits `(batch, 1)`, float32.

    A convolution of stride `stem` (3x3 for 2, 7x7 for 4, so that no pixel is skipped), then one
    stage a number of filters, each but the first at half the resolution of the one before; the
    average over the image or, given a hole, over what the hole covers; a logit. Above 0 means real.
    """

    def __init__(
        self,
        filters: tuple[int, ...],
        block_count: int = 1,
        synchronized: bool = False,
        spectral: bool = False,
        stem: int = 2,
        normalisation: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters, self.block_count, self.stem = tuple(filters), block_count, stem
        self.synchronized, self.spectral = synchronized, spectral
        self.normalisation = normalisation
        dtype = self.dtype_policy
        conv = {"strides": stem, "padding": "same", "dtype": dtype, "spectral": spectral}
        first = [
            blocks.convolution(self.filters[0], 2 * stem - 1, **conv),
            keras.layers.LeakyReLU(0.2, dtype=dtype),
        ]
        self.trunk = keras.Sequential(first + self._stages())
        self.logit = keras.layers.Dense(1, dtype="float32")

    def build(self, input_shape):
        self.trunk.build(input_shape)
        self.logit.build((None, self.filters[-1]))

    def call(self, image, hole=None, training=None):
        features = keras.ops.cast(self.trunk(image, training=training), "float32")
        if hole is None:
            return self.logit(keras.ops.mean(features, axis=(1, 2)))
        cell = self.stem * 2 ** (len(self.filters) - 1)
        weights = keras.ops.max_pool(keras.ops.cast(hole, "float32"), cell, cell, "same")
        total = keras.ops.sum(features * weights, axis=(1, 2))
        return self.logit(total / (keras.ops.sum(weights, axis=(1, 2)) + 1e-3))

    def get_config(self):
        names = ("filters", "block_count", "synchronized", "spectral", "stem", "normalisation")
        return super().get_config() | {name: getattr(self, name) for name in names}

    def _stages(self):
        names = ("synchronized", "spectral", "normalisation")
        own = {name: getattr(self, name) for name in names}
        return [
            blocks.DownBlock(
                filters, 2 if stage and not block else 1, dtype=self.dtype_policy, **own
            )
            for stage, filters in enumerate(self.filters)
            for block in range(self.block_count)
        ]


def make(
    settings: config.Discriminator,
    dtype: str = "float32",
    synchronized: bool = False,
    spectral: bool = False,
) -> Discriminator:
    """Returns a built discriminator of an image and what else `settings` ask for.

    Args:
        settings: Its size and what it sees.
        dtype: A Keras dtype policy.
        synchronized: Whether batch normalisation counts the images of all devices as one batch.
        spectral: Whether its convolutions are spectrally normalised.
    """
    discriminator = Discriminator(
        settings.filters,
        settings.blocks,
        synchronized,
        spectral,
        settings.stem or 2,
        settings.normalisation,
        dtype=dtype,
    )
    asked = len(conditions.NAMES) * settings.conditions
    channels = 1 + settings.residual + settings.mask_input + asked
    discriminator.build((None, None, None, channels))
    return discriminator


def views(
    image: tf.Tensor, hole: tf.Tensor, asked: tf.Tensor, settings: config.Discriminator
) -> tf.Tensor:
    """Returns what a discriminator sees of images, `(batch, row, column, channel)`.

    Args:
        image: `(batch, row, column, 1)` in [0, 1].
        hole: The same shape, 1 where the image was painted or might have been.
        asked: `(batch, condition)`, about -1 to 1.
        settings: Which of them are channels.
    """
    channels = [image * settings.contrast]
    # What a blur takes away is a quarter of the image or less, and is made as large as the rest.
    channels += [inpainting.residual(image) * 4.0 * settings.contrast] * settings.residual
    channels += [hole] * settings.mask_input
    channels += [inpainting.planes(asked, hole)] * settings.conditions
    return tf.concat(channels, axis=-1)
