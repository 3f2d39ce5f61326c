"""How the generator paints the holes of a batch, in training as in validation."""

import tensorflow as tf

from ggngan_tf import config, inpainting
from ggngan_tf.data import conditions
from ggngan_tf.models import generator, local


def paint(
    painter: generator.Generator,
    batch: dict[str, tf.Tensor],
    settings: config.Config,
    number: tf.Tensor,
    training: bool = False,
    drawn: tf.Tensor | None = None,
) -> tf.Tensor:
    """Returns the batch's images with their holes painted, `(batch, row, column, 1)` in [0, 1].

    With `training.paste` the generator runs on the window that the painted region depends on, and
    only the hole is taken from it; without, its whole output is returned, as printed in Fig. 1.
    `drawn` is the noise to paint with, in place of that of step `number`.
    """
    target, hole = batch["target"], batch["hole"]
    seen = inpainting.generator_input(
        inpainting.erase(target, hole),
        hole,
        noise(hole, settings, number) if drawn is None else drawn,
        conditions.scaled(batch["conditions"]),
        settings.generator,
    )
    if not settings.training.paste:
        return painter(seen, training=training)
    origin = region_origin(batch, settings)
    painted, corner = _local(painter, seen, origin, settings.region, training)
    return inpainting.paste(target, inpainting.place(tf.zeros_like(target), painted, corner), hole)


def region_origin(batch: dict[str, tf.Tensor], settings: config.Config) -> tf.Tensor:
    """Returns the first pixel of the square that holds whatever is painted, int32 `(batch, 2)`.

    Its side is `settings.region`.
    """
    sides = tuple(batch["target"].shape[1:3])
    return inpainting.window_origin(batch["centre"], settings.region, sides)


def _local(painter, seen, origin, size, training):
    """Returns a painted square that covers the region, and its first pixel."""
    wide = size + 2 * painter.margin
    if wide >= min(seen.shape[1:3]):  # a patch that the window would fill
        return painter(seen, training=training), tf.zeros_like(origin)
    window, inside = inpainting.crop_beyond(seen, origin - painter.margin, wide)
    return local.paint(painter, window, inside, training), origin


def noise(hole: tf.Tensor, settings: config.Config, number: tf.Tensor) -> tf.Tensor:
    """Returns this replica's share of the noise that one device would draw for the whole batch.

    Args:
        hole: `(batch, row, column, 1)`, of this replica.
        settings: For the seed.
        number: int32, the step's number.
    """
    seed = tf.stack([settings.training.seed, number])
    context = tf.distribute.get_replica_context()
    rows, rest = tf.shape(hole)[0], tf.shape(hole)[1:3]
    drawn = tf.concat([[rows * context.num_replicas_in_sync], rest], 0)
    first = rows * context.replica_id_in_sync_group
    return inpainting.noise(drawn, seed)[first : first + rows]
