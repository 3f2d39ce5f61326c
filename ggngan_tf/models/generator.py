"""The generator: SRGAN without up-sampling (Fig. 2; Ledig et al., 2017)."""

import keras
import tensorflow as tf

from ggngan_tf import config, inpainting
from ggngan_tf.data import conditions
from ggngan_tf.models import blocks


@keras.saving.register_keras_serializable("ggngan_tf")
class Generator(keras.Model):
    """Paints images: `(batch, row, column, channels)` to `(batch, row, column, 1)` in [0, 1].

    9x9 convolution and PReLU; residual blocks; 3x3 convolution, batch normalisation and a long
    skip; 9x9 convolution to one channel. Fully convolutional: any size of image.
    """

    def __init__(
        self, filters: int = 64, block_count: int = 16, synchronized: bool = False, **kwargs
    ):
        super().__init__(**kwargs)
        self.filters, self.block_count = filters, block_count
        self.synchronized = synchronized
        dtype = self.dtype_policy
        conv = {"padding": "same", "dtype": dtype}
        self.head = keras.Sequential(
            [
                keras.layers.Conv2D(filters, 9, **conv),
                keras.layers.PReLU(shared_axes=[1, 2], dtype=dtype),
            ]
        )
        self.trunk = keras.Sequential(
            [blocks.ResidualBlock(filters, synchronized, dtype=dtype) for _ in range(block_count)]
        )
        self.join = keras.Sequential(
            [
                keras.layers.Conv2D(filters, 3, **conv),
                blocks.BatchNormalization(synchronized=synchronized, dtype=dtype),
            ]
        )
        # The paper is silent; a sigmoid in float32 keeps the output in the range of the data.
        self.tail = keras.layers.Conv2D(1, 9, padding="same", dtype="float32")

    @property
    def margin(self) -> int:
        """How many pixels around a pixel of the output its value depends on (41 for 16 blocks)."""
        return 4 + 2 * self.block_count + 1 + 4

    def build(self, input_shape):
        features = (*input_shape[:-1], self.filters)
        self.head.build(input_shape)
        for part in (self.trunk, self.join, self.tail):
            part.build(features)

    def call(self, image, training=None):
        head = self.head(image, training=training)
        features = self.trunk(head, training=training)
        features = tf.cast(head + self.join(features, training=training), "float32")
        return tf.sigmoid(blocks.to_one_channel(self.tail, features, "SAME"))

    def get_config(self):
        names = ("filters", "block_count", "synchronized")
        return super().get_config() | {name: getattr(self, name) for name in names}


def make(
    settings: config.Generator, dtype: str = "float32", synchronized: bool = False
) -> Generator:
    """Returns a built generator that takes as many channels as `settings` ask for.

    Args:
        settings: Its size and what it sees.
        dtype: A Keras dtype policy.
        synchronized: Whether batch normalisation counts the images of all devices as one batch.
    """
    generator = Generator(settings.filters, settings.blocks, synchronized, dtype=dtype)
    generator.build((None, None, None, channels(settings)))
    return generator


def channels(settings: config.Generator) -> int:
    """Returns how many channels the generator's input has: image, hole, noise, conditions."""
    asked = len(conditions.NAMES) * settings.conditions
    noise = inpainting.SCALES * settings.noise_input
    return 1 + settings.mask_input + noise + asked
