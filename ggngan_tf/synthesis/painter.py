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
from ggngan_tf.data import conditions
from ggngan_tf.models import generator
from ggngan_tf.synthesis import regions


@dataclasses.dataclass(frozen=True)
class _Convolution:
    """A convolution with its batch normalisation folded in, and the PReLU behind it, if any.

    NumPy arrays become constants of the graph that is traced. A tensor would be handed to it as an
    argument, and TensorFlow could then prepare nothing ahead.
    """

    kernel: np.ndarray
    bias: np.ndarray
    slope: np.ndarray | None
    dtype: str = "float32"  # that the sums of products are taken in; all else is float32

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        kernel = self.kernel.astype(tf.as_dtype(self.dtype).as_numpy_dtype)
        out = tf.nn.conv2d(tf.cast(features, self.dtype), kernel, 1, "VALID")
        out = tf.nn.bias_add(tf.cast(out, tf.float32), self.bias)
        if self.slope is None:
            return out
        if self.slope.max() <= 1:  # half the passes over memory, and the same function then
            return tf.maximum(out, self.slope * out)
        return tf.maximum(out, 0.0) + self.slope * tf.minimum(out, 0.0)


class Painter(tf.Module):
    """Paints the regions of `hole` into slices; equal to the Keras generator on whole slices.

    Args:
        network: With its weights.
        settings: As it was trained with.
        precision: `bfloat16` computes all convolutions in it but the last, whose rounding errors
            would be those of the picture; fast on CPUs with AMX or AVX512-BF16 only.
        known: What real nodules are (`conditions.table`); what is not asked for is drawn from it.
    """

    def __init__(
        self,
        network: generator.Generator,
        settings: config.Config,
        precision: str = "float32",
        known: np.ndarray = conditions.TYPICAL,
    ):
        super().__init__()
        self.known = np.asarray(known, np.float32)
        self.settings, self.margin, self.precision = settings, network.margin, precision
        head, slope = network.head.layers
        self._head = _fold(head, None, slope, precision)
        self._blocks = []
        for block in network.trunk.layers:
            first, norm, slope, second, last_norm = block.body.layers
            pair = _fold(first, norm, slope, precision), _fold(second, last_norm, None, precision)
            self._blocks.append(pair)
        self._join = _fold(*network.join.layers, None, precision)
        self._tail = _split(_fold(network.tail))

    @property
    def limit(self) -> int:
        """How many pixels a region may be wide and high: twice what can be painted well.

        A pixel that lies deeper in the region than `margin` sees nothing but the region.
        """
        return 2 * max(self.settings.region, 2 * self.margin)

    def hu(
        self,
        image: tf.Tensor,
        hole: tf.Tensor,
        lung: tf.Tensor | None,
        seed: tf.Tensor,
        asked: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Returns slices with their holes painted, HU; every other pixel as it was, bit for bit.

        Args:
            image: float32 `(batch, row, column, 1)`, HU.
            hole: The same shape, 1 where to paint, 0 elsewhere; no slice without a 1. Separate
                regions get a window each.
            lung: The same shape, the lung region; None stands for all ones.
            seed: int32 `(batch,)`; the noise of a slice follows from its seed and its size alone.
            asked: float32 `(batch, condition)`, what the nodules of a slice should be, in the order
                of `conditions.NAMES`; NaN, or None for all, is drawn for each region.

        Raises:
            InvalidArgumentError: When run: a region is wider or higher than `limit`.
        """
        found = regions.find(hole)
        with tf.control_dependencies(self._checks(found)):
            window, inside = regions.windows(
                self._stack(image, hole, lung, seed), found, self.margin
            )
        wanted = self._wanted(window, found, seed, asked)
        painted = self._forward(self._seen(window, wanted) * inside, inside)
        low, high = self.settings.data.window
        return regions.put(image, inpainting.unscale(painted, (low, high)), found)

    def _checks(self, found):
        words = [
            "a region of mask is", found.rows, "x", found.columns,
            f"pixels, the limit of this generator is {self.limit} x {self.limit};",
            "regions less than 16 pixels apart count as one",
        ]  # fmt: skip
        return [tf.debugging.Assert(tf.maximum(found.rows, found.columns) <= self.limit, words)]

    def _stack(self, image, hole, lung, seed):
        """Returns all that the windows are cut from, as channels, so that they are cut once."""
        noise = self.settings.generator.noise_input
        channels = [image, hole] + ([_noise(tf.shape(hole), seed)] if noise else [])
        return tf.concat(channels + ([] if lung is None else [lung]), axis=-1)

    def _wanted(self, window, found, seed, asked):
        """Returns what each region should be, `(region, condition)`."""
        count = tf.shape(found.slices)[0]
        if asked is None:
            asked = tf.fill((count, len(conditions.NAMES)), np.float32(np.nan))
        else:
            asked = tf.gather(asked, found.slices)
        # A region's corner tells it from others of its slice, and batches of slices do not matter.
        corner = found.origin[:, 0] * 65_537 + found.origin[:, 1] + 1
        seeds = tf.stack([tf.gather(seed, found.slices), corner], axis=1)
        pixels = tf.math.unsorted_segment_sum(tf.ones_like(found.which), found.which, count)
        hu = tf.clip_by_value(window[..., :1], *self.settings.data.window)
        places = conditions.place(hu, window[..., 1:2], pixels)
        return conditions.draw(tf.constant(self.known), places, asked, seeds)

    def _seen(self, window, wanted):
        given = self.settings.generator
        image, hole, rest = window[..., :1], window[..., 1:2], window[..., 2:]
        scaled = inpainting.scale(image, self.settings.data.window)
        scales = inpainting.SCALES * given.noise_input
        noise, lung = rest[..., :scales], rest[..., scales:]
        return inpainting.generator_input(
            inpainting.erase(scaled * lung if lung.shape[-1] else scaled, hole),
            hole,
            noise,
            conditions.scaled(wanted),
            given,
        )

    @tf.function
    def _forward(self, window, inside):
        """Returns the middle of windows, painted, in [0, 1]."""
        return tf.cond(
            tf.reduce_all(inside > 0),
            lambda: self._layers(window, lambda features: features),
            lambda: self._layers(window, lambda features: features * _shrink(inside, features)),
        )

    def _layers(self, window, keep):
        """Runs the network; `keep` sets to 0 what padding of the whole slice has as 0."""
        head = keep(self._head(window))
        features = head
        for first, second in self._blocks:
            step = second(keep(first(features)))
            features = keep(_shrink(features, step) + step)
        step = self._join(features)
        across, down = self._tail
        return tf.sigmoid(down(across(keep(_shrink(head, step) + step))))


def _fold(convolution, norm=None, activation=None, dtype="float32") -> _Convolution:
    kernel, bias = (w.numpy().astype(np.float64) for w in convolution.weights)
    if norm is not None:
        gamma, beta, mean, variance = (w.numpy().astype(np.float64) for w in norm.weights)
        factor = gamma / np.sqrt(variance + norm.epsilon)
        kernel, bias = kernel * factor, (bias - mean) * factor + beta
    slope = None if activation is None else activation.alpha.numpy().reshape(-1)
    return _Convolution(kernel.astype(np.float32), bias.astype(np.float32), slope, dtype)


def _split(whole: _Convolution) -> tuple[_Convolution, _Convolution]:
    """Returns two convolutions that make a square one to a single channel, which is a slow kernel.

    The first makes one channel of each row of the kernel, the second adds them up down a column.
    """
    size = len(whole.kernel)
    across = whole.kernel.transpose(3, 1, 2, 0)  # (1, column, channel, row)
    down = np.eye(size, dtype=np.float32)[:, None, :, None]
    return (
        _Convolution(across, np.zeros(size, np.float32), None),
        _Convolution(down, whole.bias, None),
    )


def _shrink(features, like):
    """Returns the middle of `features`, as large as `like`."""
    cut = (tf.shape(features)[1] - tf.shape(like)[1]) // 2
    return features[:, cut : tf.shape(features)[1] - cut, cut : tf.shape(features)[2] - cut]


def _noise(shape, seed):
    size = tf.concat([[1], shape[1:3]], 0)
    draw = lambda one: inpainting.noise(size, tf.stack([one, 0]))[0]  # noqa: E731
    return tf.map_fn(draw, seed, fn_output_signature=tf.float32)
