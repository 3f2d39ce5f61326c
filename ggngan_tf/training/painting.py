"""How the generator paints the holes of a batch, in training as in validation."""

import tensorflow as tf

from ggngan_tf import config, inpainting
from ggngan_tf.models import generator


def paint(
    painter: generator.Generator,
    batch: dict[str, tf.Tensor],
    settings: config.Config,
    number: tf.Tensor,
    training: bool = False,
) -> tf.Tensor:
    """Returns the batch's images with their holes painted, `(batch, row, column, 1)` in [0, 1].

    With `training.paste` the generator runs on the window that the painted region depends on, and
    only the region is taken from it; without, its whole output is returned, as printed in Fig. 1.
    """
    target, hole = batch["target"], batch["hole"]
    seen = inpainting.generator_input(
        inpainting.erase(target, hole),
        hole,
        _noise(hole, tf.stack([settings.training.seed, number])),
        mask_input=settings.generator.mask_input,
        noise_input=settings.generator.noise_input,
    )
    if not settings.training.paste:
        return painter(seen, training=training)
    sides = tuple(target.shape[1:3])
    size = min(*sides, settings.region + 2 * painter.margin)
    origin = inpainting.window_origin(batch["centre"], size, sides)
    window = painter(inpainting.crop(seen, origin, size, size), training=training)
    painted = inpainting.place(tf.zeros_like(target), window, origin)
    return inpainting.paste(target, painted, hole)


def _noise(hole, seed):
    """Returns this replica's share of the noise that one device would draw for the whole batch."""
    context = tf.distribute.get_replica_context()
    rows, rest = tf.shape(hole)[:1], tf.shape(hole)[1:]
    drawn = tf.concat([rows * context.num_replicas_in_sync, rest], 0)
    first = rows[0] * context.replica_id_in_sync_group
    return tf.random.stateless_normal(drawn, seed)[first : first + rows[0]]
