"""From a set of nodules to endless batches for the training step.

Which nodule comes next, and how it is turned, follows from the seed and the step's number alone:
a run that resumes at step n sees what the uninterrupted one saw, with no iterator to save.
"""

import numpy as np
import tensorflow as tf

from ggngan_tf import config, errors, inpainting
from ggngan_tf.data import conditions, nodules

Batch = dict[str, tf.Tensor]
_MULTIPLE = 16  # pixels; sides that the discriminators can halve four times


def image_size(rows: int, columns: int) -> int:
    """Returns the side of the square that networks see of an image: 64 of 71, 512 of 512.

    Raises:
        TrainingError: The image is smaller than 48 pixels, too small for a ROI's surroundings.
    """
    size = min(rows, columns) // _MULTIPLE * _MULTIPLE
    if size < 48:
        raise errors.TrainingError(
            f"images are {rows} x {columns} pixels, needed are 48 x 48 or more."
        )
    return size


def batches(
    chosen: nodules.NoduleSet,
    settings: config.Config,
    first_step: int = 0,
    share: tf.distribute.InputContext | None = None,
    others: nodules.NoduleSet | None = None,
) -> tf.data.Dataset:
    """Returns an endless dataset of training batches, starting at step `first_step`.

    Every nodule is seen once an epoch, in another order each time, flipped, rotated by right
    angles and shifted, its ROI always inside. Likewise the `others`, which take `data.others` of
    each batch; of them those that are wider than what is painted are left out.

    Args:
        chosen: The nodules.
        settings: A batch of `training.batch` is what all devices see together in a step.
        first_step: Where to start.
        share: Which part of each batch is for this machine, and over how many devices; all of it
            for one if not given.
        others: Nodules of other textures, of the same patients.

    Returns:
        For each device in turn a batch with `target` float32 `(batch, size, size, 1)` in [0, 1],
        `mask` and `hole` the same shape (1 in the nodule, 1 where to paint), `centre` int32
        `(batch, 2)` (row and column of the ROI's centre) and `conditions` float32 `(batch, 9)` (as
        `data.conditions` measures them).

    Raises:
        TrainingError: Images are too small, there are fewer nodules than a batch holds, or the
            devices cannot share a batch equally.
    """
    share = share or tf.distribute.InputContext()
    batch, seed = settings.training.batch, settings.training.seed
    if len(chosen) < batch:
        raise errors.TrainingError(
            f"{len(chosen)} nodules do not fill a batch of {batch}; set training.batch lower."
        )
    if batch % share.num_replicas_in_sync:
        raise errors.TrainingError(
            f"a batch of {batch} cannot be shared equally by {share.num_replicas_in_sync} devices; "
            "set training.batch to a multiple of them."
        )
    others = _fitting(others, settings)
    guests = round(batch * settings.data.others) if len(others) else 0
    hosts = batch - guests
    host = _loader(chosen, settings)
    guest = _loader(others, settings) if guests else None

    def sample(number: tf.Tensor) -> Batch:
        step, place = number // batch, number % batch
        turned = tf.stack([seed, tf.cast(number, tf.int32)])
        own = lambda: host(_shuffled(step * hosts + place, len(chosen), seed), turned)  # noqa: E731
        if not guests:
            return own()
        turn = step * guests + place - hosts
        return tf.cond(
            place < hosts, own, lambda: guest(_shuffled(turn, len(others), seed + 1), turned)
        )

    worker, workers = share.input_pipeline_id, share.num_input_pipelines
    own = share.get_per_replica_batch_size(batch)
    here = batch // workers
    numbers = tf.data.Dataset.range(first_step * batch, tf.int64.max).batch(here)
    numbers = numbers.shard(workers, worker).unbatch()
    samples = numbers.map(sample, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return samples.batch(own, drop_remainder=True).prefetch(2)


def _shuffled(turn, count, seed):
    """Returns the row whose turn it is, in another order each time that all have had theirs."""
    order_seed = tf.stack([seed, tf.cast(turn // count, tf.int32)])
    return tf.random.experimental.index_shuffle(turn % count, order_seed, count - 1)


def _fitting(others, settings):
    """Returns the nodules that are no wider than what is painted in training."""
    if others is None or not len(others) or not settings.data.others:
        return ()
    return others.take(np.flatnonzero(~_wide(others, settings)))


def fixed(chosen: nodules.NoduleSet, settings: config.Config, count: int) -> Batch:
    """Returns one batch of the first `count` nodules, centred and neither turned nor shifted."""
    load = _loader(chosen.take(np.arange(min(count, len(chosen)))), settings, augment=False)
    rows = tf.range(min(count, len(chosen)))
    kinds = {name: tf.float32 for name in ("target", "hole", "mask", "conditions")}
    return tf.map_fn(
        lambda row: load(row, tf.zeros(2, tf.int32)), rows, kinds | {"centre": tf.int32}
    )


def clipped(chosen: nodules.NoduleSet, settings: config.Config) -> int:
    """Returns how many nodules are wider than what is painted in training."""
    return int(_wide(chosen, settings).sum())


def _wide(chosen, settings):
    if settings.erase.shape == "contour":
        size = settings.region - 2 * settings.erase.dilation
    else:
        size = settings.erase.roi_size
    heights = np.ptp(_extents(chosen.mask.any(axis=2)), axis=1) + 1
    widths = np.ptp(_extents(chosen.mask.any(axis=1)), axis=1) + 1
    return (heights > size) | (widths > size)


def _extents(lines):
    last = lines.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)
    return np.stack([lines.argmax(axis=1), last], axis=1)


def _loader(chosen, settings, augment=True):
    """Returns a function from a row and a seed to one sample."""
    image, mask = tf.constant(chosen.image), tf.constant(chosen.mask)
    lung = tf.constant(chosen.lung) if settings.data.lung and chosen.lung is not None else None
    centre = tf.constant(chosen.roi_centre)
    asked = tf.constant(conditions.measure(chosen, settings.data.window))
    size = image_size(*chosen.image.shape[1:])
    size = min(size, settings.data.side or size)

    def load(row: tf.Tensor, seed: tf.Tensor) -> Batch:
        target = inpainting.scale(image[row], settings.data.window)
        if lung is not None:
            target *= tf.cast(lung[row], tf.float32)
        stack = tf.stack([target, tf.cast(mask[row], tf.float32)], axis=-1)
        stack, middle = _crop(stack, centre[row], size, settings, seed if augment else None)
        if augment:
            stack, middle = _turn(stack, middle, seed)
        middle = tf.ensure_shape(middle, (2,))
        hole = make_hole(stack[None, :, :, 1:], middle[None], settings.erase)[0]
        return {
            "target": stack[:, :, :1],
            "hole": hole,
            "mask": stack[:, :, 1:],
            "centre": middle,
            "conditions": asked[row],
        }

    return load


def make_hole(mask: tf.Tensor, centre: tf.Tensor, settings: config.Erase) -> tf.Tensor:
    """Returns the region to blank and paint, `(batch, row, column, 1)` of zeros and ones.

    Args:
        mask: The nodule's pixels, the same shape.
        centre: int32 `(batch, 2)`, row and column of the nodule's centre.
        settings: `box`, the ROI's square, or `contour`, the mask grown by `dilation` pixels and cut
            to a square of `limit` pixels.
    """
    rows, columns = tf.shape(mask)[1], tf.shape(mask)[2]
    if settings.shape == "box":
        return inpainting.box(centre, settings.roi_size, rows, columns)
    limit = inpainting.box(centre, settings.limit, rows, columns)
    return inpainting.dilate(mask, settings.dilation) * limit


def _crop(stack, centre, size, settings, seed):
    """Cuts a square that holds the ROI; a whole slice is first given a blank rim to move in."""
    rows, columns = stack.shape[0], stack.shape[1]
    rim = settings.data.shift if size in (rows, columns) else 0
    stack = tf.pad(stack, [[rim, rim], [rim, rim], [0, 0]])
    centre, half = centre + rim, settings.erase.roi_size // 2
    last = tf.constant([rows, columns]) + 2 * rim - size
    if seed is None:
        origin = tf.clip_by_value(centre - size // 2, rim * tf.ones_like(last), last - rim)
    else:
        low = tf.clip_by_value(centre + half - size, 0, last)
        high = tf.clip_by_value(centre - half, 0, last)
        share = tf.random.stateless_uniform((2,), tf.concat([seed[:1], -1 - seed[1:]], 0))
        origin = low + tf.cast(share * tf.cast(high - low + 1, tf.float32), tf.int32)
    square = tf.slice(stack, tf.concat([origin, [0]], 0), [size, size, 2])
    return square, centre - origin


def _turn(stack, centre, seed):
    """Flips and rotates by right angles, each of the eight ways equally often."""
    side = stack.shape[0]
    ways = tf.random.stateless_uniform((3,), seed, maxval=2, dtype=tf.int32)
    if ways[0] == 1:
        stack, centre = stack[::-1], tf.stack([side - 1 - centre[0], centre[1]])
    if ways[1] == 1:
        stack, centre = stack[:, ::-1], tf.stack([centre[0], side - 1 - centre[1]])
    if ways[2] == 1:
        stack, centre = tf.transpose(stack, (1, 0, 2)), centre[::-1]
    return tf.ensure_shape(stack, (side, side, 2)), centre
