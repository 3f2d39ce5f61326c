"""The discriminators: one ResNet, in two sizes and depths (Fig. 2; He et al., 2016)."""

import keras

from ggngan_tf import config
from ggngan_tf.models import blocks


@keras.saving.register_keras_serializable("ggngan_tf")
class Discriminator(keras.Model):
    """Judges images: `(batch, row, column, channels)` to logits `(batch, 1)`, float32.

    A convolution of stride `stem` (3x3 for 2, 7x7 for 4, so that no pixel is skipped), then one
    stage a number of filters, each but the first at half the resolution of the one before; global
    average; a logit. Above 0 means real.
    """

    def __init__(
        self,
        filters: tuple[int, ...],
        block_count: int = 1,
        synchronized: bool = False,
        spectral: bool = False,
        stem: int = 2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters, self.block_count, self.stem = tuple(filters), block_count, stem
        self.synchronized, self.spectral = synchronized, spectral
        dtype = self.dtype_policy
        conv = {"strides": stem, "padding": "same", "dtype": dtype, "spectral": spectral}
        first = [
            blocks.convolution(self.filters[0], 2 * stem - 1, **conv),
            keras.layers.LeakyReLU(0.2, dtype=dtype),
        ]
        self.trunk = keras.Sequential(first + self._stages())
        self.pool = keras.layers.GlobalAveragePooling2D(dtype="float32")
        self.logit = keras.layers.Dense(1, dtype="float32")

    def build(self, input_shape):
        self.trunk.build(input_shape)
        self.logit.build((None, self.filters[-1]))

    def call(self, image, training=None):
        return self.logit(self.pool(self.trunk(image, training=training)))

    def get_config(self):
        names = ("filters", "block_count", "synchronized", "spectral", "stem")
        return super().get_config() | {name: getattr(self, name) for name in names}

    def _stages(self):
        own = {"synchronized": self.synchronized, "spectral": self.spectral}
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
    """Returns a built discriminator of an image and, if `settings` ask for it, the hole.

    Args:
        settings: Its size and what it sees.
        dtype: A Keras dtype policy.
        synchronized: Whether batch normalisation counts the images of all devices as one batch.
        spectral: Whether its convolutions are spectrally normalised.
    """
    own = {"synchronized": synchronized, "spectral": spectral, "stem": settings.stem or 2}
    discriminator = Discriminator(settings.filters, settings.blocks, dtype=dtype, **own)
    discriminator.build((None, None, None, 1 + settings.mask_input))
    return discriminator
