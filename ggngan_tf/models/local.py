"""The generator on a window that shrinks from layer to layer: what training paints slices with.

A pixel of the output depends on `margin` pixels around it. Unpadded convolutions compute just what
the layers behind them need, which is half of the arithmetic of the window and a twentieth of the
slice's. Beyond the slice, features are set to 0 after each layer, as zero padding does there.
"""

import tensorflow as tf

from ggngan_tf.models import blocks, generator


def paint(
    network: generator.Generator, window: tf.Tensor, inside: tf.Tensor, training: bool
) -> tf.Tensor:
    """Returns the middle of windows, painted: each side less by `2 * network.margin` pixels.

    With `training` False this is exactly what the whole slice gives there, at borders too. With
    `training` True batch normalisation counts the pixels of the window that its layer computes, and
    not the slice: features are normalised by what is around nodules, where they are needed.

    Args:
        network: The generator.
        window: `(batch, row, column, channel)`, 0 beyond the slice.
        inside: `(batch, row, column, 1)`, 1 inside the slice and 0 beyond.
        training: Whether batch normalisation takes its statistics from the window.

    Returns:
        float32 `(batch, row, column, 1)` in [0, 1].
    """
    dtype = network.compute_dtype
    window, inside = tf.cast(window, dtype), tf.cast(inside, dtype)

    def keep(features):
        return features * _middle(inside, features)

    convolution, slope = network.head.layers
    head = keep(slope(_convolve(convolution, window)))
    features = head
    for block in network.trunk.layers:
        first, norm, slope, second, last_norm = block.body.layers
        step = keep(slope(norm(_convolve(first, features), training=training)))
        step = last_norm(_convolve(second, step), training=training)
        features = keep(_middle(features, step) + step)
    convolution, norm = network.join.layers
    step = norm(_convolve(convolution, features), training=training)
    features = keep(_middle(head, step) + step)
    features = tf.cast(features, "float32")
    return tf.sigmoid(blocks.to_one_channel(network.tail, features, "VALID"))


def _convolve(layer, features):
    dtype = layer.compute_dtype
    features, kernel = tf.cast(features, dtype), tf.cast(layer.kernel, dtype)
    out = tf.nn.conv2d(features, kernel, 1, "VALID")
    return tf.nn.bias_add(out, tf.cast(layer.bias, dtype))


def _middle(features, like):
    """Returns the middle of `features`, as large as `like`."""
    rows, columns = (a - b for a, b in zip(features.shape[1:3], like.shape[1:3], strict=True))
    top, left = rows // 2, columns // 2
    return features[:, top : top + like.shape[1], left : left + like.shape[2]]
