"""The residual blocks that the networks are made of."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("ggngan_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer, its training pass in one fused kernel where a batch lies on one device.

    Keras goes over the features once for each sum and product, which on a CPU can take as long as
    the convolution before it. The figures are the same but for rounding.
    """

    def call(self, inputs, training=None, mask=None):
        if not training or self.synchronized:
            return super().call(inputs, training=training, mask=mask)
        out, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.cast(self.gamma, tf.float32),
            offset=tf.cast(self.beta, tf.float32),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            exponential_avg_factor=1.0,  # hands out the batch's own mean and variance
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], tf.float32)
        variance *= (count - 1.0) / count  # the kernel's is the unbiased one, Keras' is not
        for moving, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(self.momentum * moving + (1.0 - self.momentum) * found)
        return out


def convolution(filters: int, size: int, spectral: bool = False, **kwargs) -> keras.layers.Layer:
    """Returns a convolution, its kernel divided by its largest singular value if `spectral`."""
    made = keras.layers.Conv2D(filters, size, **kwargs)
    if not spectral:
        return made
    return keras.layers.SpectralNormalization(made, dtype=kwargs.get("dtype"))


def to_one_channel(layer: keras.layers.Conv2D, features: tf.Tensor, padding: str) -> tf.Tensor:
    """Returns what a convolution to one channel returns, before its activation, and faster.

    Kernels to a single channel are slow ones on a CPU, their gradients above all. So each row of
    pixels is first convolved down the columns to one channel a column of the kernel, and those are
    then shifted and added.

    Args:
        layer: Of an odd square kernel.
        features: `(batch, row, column, channel)`.
        padding: `SAME` or `VALID`.
    """
    kernel = tf.transpose(tf.cast(layer.kernel, features.dtype), (0, 3, 2, 1))
    size = kernel.shape[3]
    if padding == "SAME":
        features = tf.pad(features, [[0, 0], [size // 2] * 2, [size // 2] * 2, [0, 0]])
    down = tf.nn.conv2d(features, kernel, 1, "VALID")
    columns = tf.shape(down)[2] - size + 1
    shifted = [down[:, :, shift : shift + columns, shift : shift + 1] for shift in range(size)]
    return tf.add_n(shifted) + tf.cast(layer.bias, features.dtype)


@keras.saving.register_keras_serializable("ggngan_tf")
class ResidualBlock(keras.layers.Layer):
    """Adds two 3x3 convolutions to their input, `(batch, row, column, filters)` (Fig. 2)."""

    def __init__(self, filters: int, synchronized: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.synchronized = filters, synchronized
        dtype = self.dtype_policy  # handed on, so that no global policy is ever set
        # tf.train.Checkpoint follows a Sequential, but loses layers kept in a Python list.
        self.body = keras.Sequential(
            [
                keras.layers.Conv2D(filters, 3, padding="same", dtype=dtype),
                BatchNormalization(synchronized=synchronized, dtype=dtype),
                keras.layers.PReLU(shared_axes=[1, 2], dtype=dtype),  # unshared: one a pixel
                keras.layers.Conv2D(filters, 3, padding="same", dtype=dtype),
                BatchNormalization(synchronized=synchronized, dtype=dtype),
            ]
        )

    def build(self, input_shape):
        self.body.build(input_shape)

    def call(self, features, training=None):
        return features + self.body(features, training=training)

    def get_config(self):
        own = {"filters": self.filters, "synchronized": self.synchronized}
        return super().get_config() | own


@keras.saving.register_keras_serializable("ggngan_tf")
class DownBlock(keras.layers.Layer):
    """A ResNet basic block (He et al., 2016): `(batch, row, column, any)` to `filters` channels.

    Two 3x3 convolutions with batch normalisation and leaky ReLU (Fig. 2); with `stride` 2 it halves
    the resolution. The short cut is a 1x1 convolution where the shape changes. `spectral` keeps the
    largest singular value of each kernel at 1 (Miyato et al., 2018); without `normalisation` the
    convolutions have a bias in place of batch normalisation.
    """

    def __init__(
        self,
        filters: int,
        stride: int = 1,
        synchronized: bool = False,
        spectral: bool = False,
        normalisation: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters, self.stride = filters, stride
        self.synchronized, self.spectral = synchronized, spectral
        self.normalisation = normalisation
        dtype = self.dtype_policy
        conv = {"padding": "same", "dtype": dtype, "spectral": spectral}
        body = conv | {"use_bias": not normalisation}
        first, second = (
            [BatchNormalization(synchronized=synchronized, dtype=dtype)] * normalisation
            for _ in range(2)
        )
        self.body = keras.Sequential(
            [
                convolution(filters, 3, strides=stride, **body),
                *first,
                keras.layers.LeakyReLU(0.2, dtype=dtype),
                convolution(filters, 3, **body),
                *second,
            ]
        )
        self.short_cut = convolution(filters, 1, use_bias=False, **conv)
        self.activation = keras.layers.LeakyReLU(0.2, dtype=dtype)

    def build(self, input_shape):
        self.body.build(input_shape)
        if self._changes_shape(input_shape):
            self.short_cut.build(input_shape)

    def call(self, features, training=None):
        short = features
        if self._changes_shape(features.shape):
            # Pixels are left out before and not by the convolution: oneDNN's gradient of a strided
            # 1x1 kernel of 4 channels is not the same each time.
            step = self.stride
            short = self.short_cut(features[:, ::step, ::step])
        return self.activation(short + self.body(features, training=training))

    def get_config(self):
        names = ("filters", "stride", "synchronized", "spectral", "normalisation")
        return super().get_config() | {name: getattr(self, name) for name in names}

    def _changes_shape(self, shape):
        return self.stride != 1 or shape[-1] != self.filters
