"""The discriminators: one ResNet, in two sizes and depths (Fig. 2; He et al., 2016)."""

import keras

from ggngan_tf import config
from ggngan_tf.models import blocks


@keras.saving.register_keras_serializable("ggngan_tf")
class Discriminator(keras.Model):
    """Judges images: `(batch, row, column, channels)` to logits `(batch, 1)`, float32.

    A 3x3 convolution of stride 2, then one stage a number of filters, each but the first at half
    the resolution of the one before; global average; a logit. Above 0 means real.
    """

    def __init__(self, filters: tuple[int, ...], block_count: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.block_count = tuple(filters), block_count
        dtype = self.dtype_policy
        stem = [
            keras.layers.Conv2D(self.filters[0], 3, strides=2, padding="same", dtype=dtype),
            keras.layers.LeakyReLU(0.2, dtype=dtype),
        ]
        self.trunk = keras.Sequential(stem + self._stages())
        self.pool = keras.layers.GlobalAveragePooling2D(dtype="float32")
        self.logit = keras.layers.Dense(1, dtype="float32")

    def build(self, input_shape):
        self.trunk.build(input_shape)
        self.logit.build((None, self.filters[-1]))

    def call(self, image, training=None):
        return self.logit(self.pool(self.trunk(image, training=training)))

    def get_config(self):
        own = {"filters": self.filters, "block_count": self.block_count}
        return super().get_config() | own

    def _stages(self):
        dtype = self.dtype_policy
        return [
            blocks.DownBlock(filters, 2 if stage and not block else 1, dtype=dtype)
            for stage, filters in enumerate(self.filters)
            for block in range(self.block_count)
        ]


def make(settings: config.Discriminator, dtype: str = "float32") -> Discriminator:
    """Returns a built discriminator of an image and, if `settings` ask for it, the hole."""
    discriminator = Discriminator(settings.filters, settings.blocks, dtype=dtype)
    discriminator.build((None, None, None, 1 + settings.mask_input))
    return discriminator
