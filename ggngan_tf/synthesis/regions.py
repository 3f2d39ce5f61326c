"""Finds the separate regions of masks inside a graph, and cuts a window around each.

TensorFlow has no labelling of connected components. Labels spread over cells of 16 x 16 pixels
here, which takes as many steps as the widest region has cells, and not pixels. Regions that share a
cell or touch by theirs are one: a window for both then costs less than one for each.
"""

from typing import NamedTuple

import tensorflow as tf

CELL = 16  # pixels; ours: below half the margin of any generator worth its name


class Regions(NamedTuple):
    """Rectangles of one size, one for each separate region of a batch of masks.

    Attributes:
        pixels: int32 `(pixel, 3)`, slice, row and column of every pixel of the masks.
        which: int32 `(pixel,)`, the region that it belongs to.
        slices: int32 `(region,)`, the slice of each region.
        origin: int32 `(region, 2)`, the first row and column of its rectangle.
        rows: Height of every rectangle in pixels.
        columns: Width of every rectangle in pixels.
    """

    pixels: tf.Tensor
    which: tf.Tensor
    slices: tf.Tensor
    origin: tf.Tensor
    rows: tf.Tensor
    columns: tf.Tensor


def find(hole: tf.Tensor) -> Regions:
    """Returns the regions of masks `(batch, row, column, 1)`, 1 inside and 0 elsewhere."""
    pixels = tf.cast(tf.where(hole[..., 0] > 0.5), tf.int32)
    cell = pixels // [1, CELL, CELL]
    cells = tf.concat([tf.shape(hole)[:1], (tf.shape(hole)[1:3] - 1) // CELL + 1], axis=0)
    labels, which = tf.unique(tf.gather_nd(_labels(cell, cells), cell))
    count = tf.size(labels)
    first = tf.math.unsorted_segment_min(pixels, which, count)
    last = tf.math.unsorted_segment_max(pixels, which, count)
    size = tf.reduce_max(last - first + 1, axis=0)
    origin = tf.minimum(first, tf.shape(hole)[:3] - size)[:, 1:]
    return Regions(pixels, which, first[:, 0], origin, size[1], size[2])


def windows(images: tf.Tensor, found: Regions, margin: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns each region's rectangle of its slice and `margin` pixels around it.

    Args:
        images: `(batch, row, column, channel)`.
        found: What `find` returned for masks of the same batch.
        margin: In pixels.

    Returns:
        `(region, row, column, channel)`, where pixels off the slice repeat its nearest ones, and
        `(region, row, column, 1)` float32, 1 on the slice and 0 off it.
    """
    rows, columns = tf.shape(images)[1], tf.shape(images)[2]
    down = found.origin[:, :1] + tf.range(-margin, found.rows + margin)
    across = found.origin[:, 1:] + tf.range(-margin, found.columns + margin)
    near_down = tf.clip_by_value(down, 0, rows - 1)
    near_across = tf.clip_by_value(across, 0, columns - 1)
    slices = tf.broadcast_to(found.slices[:, None], tf.shape(down))
    lines = tf.gather_nd(images, tf.stack([slices, near_down], axis=-1))
    window = tf.gather(lines, near_across, axis=2, batch_dims=1)
    inside = (near_down == down)[:, :, None] & (near_across == across)[:, None, :]
    return window, tf.cast(inside[..., None], tf.float32)


def put(images: tf.Tensor, painted: tf.Tensor, found: Regions) -> tf.Tensor:
    """Returns `images` with the regions' pixels, and no others, taken from their rectangles.

    Args:
        images: `(batch, row, column, 1)`.
        painted: `(region, row, column, 1)`, of the size that `found` gives.
        found: What `find` returned for masks of the same batch.
    """
    place = found.pixels[:, 1:] - tf.gather(found.origin, found.which)
    values = tf.gather_nd(painted, tf.concat([found.which[:, None], place], axis=1))
    return tf.tensor_scatter_nd_update(images, found.pixels, values)


def _labels(cell, shape):
    """Returns one number a connected group of cells, `(batch, row, column)` of cells."""
    ones = tf.ones(tf.shape(cell)[:1])
    filled = tf.minimum(tf.scatter_nd(cell, ones, shape), 1.0)[..., None]
    numbers = tf.reshape(tf.range(1.0, tf.size(filled, tf.int32) + 1), tf.shape(filled))

    def spread(_, labels):
        wider = tf.nn.max_pool2d(labels, 3, 1, "SAME") * filled
        return tf.reduce_any(wider != labels), wider

    start = (tf.constant(True), numbers * filled)
    shapes = (tf.TensorShape(()), tf.TensorShape((None, None, None, 1)))
    return tf.while_loop(lambda changed, _: changed, spread, start, shapes)[1][..., 0]
