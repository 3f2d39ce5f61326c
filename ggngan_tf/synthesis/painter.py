"""The generator made ready for inference: exact, local, and nothing but TensorFlow.

A pixel depends on `margin` pixels around it, so that a region needs a window and not the slice.
Unpadded convolutions then shrink the window from layer to layer down to the region. Where the
window leaves the slice, activations are set to 0 after each layer: just what zero padding does to
the whole slice, and so the result is the same at borders and in corners too.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from ggngan_tf import config, inpainting
from ggngan_tf.models import generator


@dataclasses.dataclass(frozen=True)
class _Convolution:
    """A convolution with its batch normalisation folded in, and the PReLU behind it, if any."""

    kernel: tf.Tensor
    bias: tf.Tensor
    slope: tf.Tensor | None

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        out = tf.nn.bias_add(tf.nn.conv2d(features, self.kernel, 1, "VALID"), self.bias)
        if self.slope is None:
            return out
        return tf.maximum(out, 0.0) + self.slope * tf.minimum(out, 0.0)


class Painter(tf.Module):
    """Paints the regions of `hole` into slices; equal to the Keras generator on whole slices.

    Weights are constants of the graph, so that TensorFlow can prepare them once.
    """

    def __init__(self, network: generator.Generator, settings: config.Config):
        super().__init__()
        self.settings, self.margin = settings, network.margin
        head, slope = network.head.layers
        self._head = _fold(head, None, slope)
        self._blocks = []
        for block in network.trunk.layers:
            first, norm, slope, second, last_norm = block.body.layers
            self._blocks.append((_fold(first, norm, slope), _fold(second, last_norm)))
        self._join = _fold(*network.join.layers)
        self._tail = _fold(network.tail)

    def hu(
        self, image: tf.Tensor, hole: tf.Tensor, lung: tf.Tensor | None, seed: tf.Tensor
    ) -> tf.Tensor:
        """Returns slices with their holes painted, HU; every other pixel as it was, bit for bit.

        Args:
            image: float32 `(batch, row, column, 1)`, HU.
            hole: The same shape, 1 where to paint, 0 elsewhere; no slice without a 1.
            lung: The same shape, the lung region; None stands for all ones.
            seed: int32 `(batch,)`; the noise of a slice follows from its seed and its size alone.
        """
        low, high = self.settings.data.window
        scaled = inpainting.scale(image, (low, high))
        scaled = scaled if lung is None else scaled * lung
        seen = inpainting.generator_input(
            inpainting.erase(scaled, hole),
            hole,
            _noise(tf.shape(hole), seed) if self.settings.generator.noise_input else hole,
            mask_input=self.settings.generator.mask_input,
            noise_input=self.settings.generator.noise_input,
        )
        region, origin = self._region(seen, hole)
        painted = inpainting.place(image, inpainting.unscale(region, (low, high)), origin)
        return inpainting.paste(image, painted, hole)

    def _region(self, seen, hole):
        """Returns the smallest rectangle that holds each hole, painted, and its first pixel."""
        origin, rows, columns = _bounds(hole)
        pad = [[0, 0], [self.margin] * 2, [self.margin] * 2, [0, 0]]
        rows, columns = rows + 2 * self.margin, columns + 2 * self.margin
        window = inpainting.crop(tf.pad(seen, pad), origin, rows, columns)
        inside = inpainting.crop(tf.pad(tf.ones_like(hole), pad), origin, rows, columns)
        return self._forward(window, inside), origin

    def _forward(self, window, inside):
        head = _keep(self._head(window), inside)
        features = head
        for first, second in self._blocks:
            step = second(_keep(first(features), inside))
            features = _keep(_shrink(features, step) + step, inside)
        step = self._join(features)
        return tf.sigmoid(self._tail(_keep(_shrink(head, step) + step, inside)))


def _fold(convolution, norm=None, activation=None) -> _Convolution:
    kernel, bias = (w.numpy().astype(np.float64) for w in convolution.weights)
    if norm is not None:
        gamma, beta, mean, variance = (w.numpy().astype(np.float64) for w in norm.weights)
        factor = gamma / np.sqrt(variance + norm.epsilon)
        kernel, bias = kernel * factor, (bias - mean) * factor + beta
    slope = None if activation is None else tf.constant(activation.alpha.numpy().reshape(-1))
    return _Convolution(tf.constant(kernel, tf.float32), tf.constant(bias, tf.float32), slope)


def _shrink(features, like):
    """Returns the middle of `features`, as large as `like`."""
    cut = (tf.shape(features)[1] - tf.shape(like)[1]) // 2
    return features[:, cut : tf.shape(features)[1] - cut, cut : tf.shape(features)[2] - cut]


def _keep(features, inside):
    """Returns `features` with 0 outside the slice, where whole-slice padding has its zeros."""
    return features * _shrink(inside, features)


def _bounds(hole):
    """Returns the first pixel of each hole's rectangle, and the largest height and width."""
    filled = hole[..., 0] > 0.5
    first_row, rows = _span(tf.reduce_any(filled, axis=2))
    first_column, columns = _span(tf.reduce_any(filled, axis=1))
    return tf.stack([first_row, first_column], axis=1), rows, columns


def _span(lines):
    length = tf.shape(lines)[1]
    marks = tf.cast(lines, tf.int32)
    first = tf.argmax(marks, axis=1, output_type=tf.int32)
    behind = length - tf.argmax(tf.reverse(marks, [1]), axis=1, output_type=tf.int32)
    longest = tf.reduce_max(behind - first)
    return tf.minimum(first, length - longest), longest


def _noise(shape, seed):
    draw = lambda one: tf.random.stateless_normal(shape[1:], tf.stack([one, 0]))  # noqa: E731
    return tf.map_fn(draw, seed, fn_output_signature=tf.float32)
