"""The residual blocks that the networks are made of."""

import keras


@keras.saving.register_keras_serializable("ggngan_tf")
class ResidualBlock(keras.layers.Layer):
    """Adds two 3x3 convolutions to their input, `(batch, row, column, filters)` (Fig. 2)."""

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        dtype = self.dtype_policy  # handed on, so that no global policy is ever set
        # tf.train.Checkpoint follows a Sequential, but loses layers kept in a Python list.
        self.body = keras.Sequential(
            [
                keras.layers.Conv2D(filters, 3, padding="same", dtype=dtype),
                keras.layers.BatchNormalization(dtype=dtype),
                keras.layers.PReLU(shared_axes=[1, 2], dtype=dtype),  # unshared: one a pixel
                keras.layers.Conv2D(filters, 3, padding="same", dtype=dtype),
                keras.layers.BatchNormalization(dtype=dtype),
            ]
        )

    def build(self, input_shape):
        self.body.build(input_shape)

    def call(self, features, training=None):
        return features + self.body(features, training=training)

    def get_config(self):
        return super().get_config() | {"filters": self.filters}


@keras.saving.register_keras_serializable("ggngan_tf")
class DownBlock(keras.layers.Layer):
    """A ResNet basic block (He et al., 2016): `(batch, row, column, any)` to `filters` channels.

    Two 3x3 convolutions with batch normalisation and leaky ReLU (Fig. 2); with `stride` 2 it halves
    the resolution. The short cut is a 1x1 convolution where the shape changes.
    """

    def __init__(self, filters: int, stride: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.stride = filters, stride
        dtype = self.dtype_policy
        conv = {"padding": "same", "use_bias": False, "dtype": dtype}
        self.body = keras.Sequential(
            [
                keras.layers.Conv2D(filters, 3, strides=stride, **conv),
                keras.layers.BatchNormalization(dtype=dtype),
                keras.layers.LeakyReLU(0.2, dtype=dtype),
                keras.layers.Conv2D(filters, 3, **conv),
                keras.layers.BatchNormalization(dtype=dtype),
            ]
        )
        self.short_cut = keras.layers.Conv2D(filters, 1, strides=stride, **conv)
        self.activation = keras.layers.LeakyReLU(0.2, dtype=dtype)

    def build(self, input_shape):
        self.body.build(input_shape)
        if self._changes_shape(input_shape):
            self.short_cut.build(input_shape)

    def call(self, features, training=None):
        short = self.short_cut(features) if self._changes_shape(features.shape) else features
        return self.activation(short + self.body(features, training=training))

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "stride": self.stride}

    def _changes_shape(self, shape):
        return self.stride != 1 or shape[-1] != self.filters
