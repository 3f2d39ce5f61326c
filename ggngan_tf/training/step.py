"""One update of the generator and both discriminators: Fig. 1 and Eq. 1 to 3."""

import dataclasses

import keras
import tensorflow as tf

from ggngan_tf import config, inpainting, losses
from ggngan_tf.models import discriminator, generator


@dataclasses.dataclass(frozen=True)
class Networks:
    """What is trained, and the running average of the generator that is exported."""

    generator: generator.Generator
    average: generator.Generator
    whole: discriminator.Discriminator
    roi: discriminator.Discriminator


def make_networks(settings: config.Config) -> Networks:
    """Returns built networks whose first weights follow from the seed."""
    keras.utils.set_random_seed(settings.training.seed)
    precision = settings.training.precision
    painter = generator.make(settings.generator, precision)
    average = generator.make(settings.generator)
    average.set_weights(painter.get_weights())
    whole = discriminator.make(settings.whole, precision)
    return Networks(painter, average, whole, discriminator.make(settings.roi, precision))


def make_optimizer(settings: config.Training, model: keras.Model) -> keras.optimizers.Optimizer:
    """Returns Adam, built, so that a restore can be checked whole before the first step."""
    optimizer = keras.optimizers.Adam(settings.learning_rate)
    if settings.precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


class Trainer:
    """Updates three networks together; `step` is one update of each."""

    def __init__(self, settings: config.Config):
        self.settings, self.networks = settings, make_networks(settings)
        models = (self.networks.generator, self.networks.whole, self.networks.roi)
        self.players = [(model, make_optimizer(settings.training, model)) for model in models]

    @tf.function(reduce_retracing=True)
    def step(self, batch: dict[str, tf.Tensor], number: tf.Tensor) -> dict[str, tf.Tensor]:
        """Updates all networks once and returns the losses by name, float32 scalars.

        Args:
            batch: As `data.pipeline.batches` gives it.
            number: int32, the step's number; the noise follows from it and the seed.
        """
        with tf.GradientTape(persistent=True) as tape:
            fake = paint(self.networks.generator, batch, self.settings, number, training=True)
            terms = self._terms(fake, batch)
            costs = totals(terms, self.settings.loss)
            pairs = list(zip(self.players, costs, strict=True))
            scaled = [optimizer.scale_loss(cost) for (_, optimizer), cost in pairs]
        for (model, optimizer), cost in zip(self.players, scaled, strict=True):
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(cost, variables), variables)
        self._average(number)
        return terms

    def _terms(self, fake, batch):
        """Returns the generator's four terms and each discriminator's loss, from one pass."""
        real, hole, centre = batch["target"], batch["hole"], batch["centre"]
        size = self.settings.erase.roi_size
        origin = inpainting.window_origin(centre, size, tuple(real.shape[1:3]))
        cuts = [inpainting.crop(image, origin, size, size) for image in (fake, real, hole)]
        views = {"whole": (fake, real, hole), "roi": cuts}
        terms = {}
        for name, (painted, target, region) in views.items():
            judge, seen = getattr(self.networks, name), getattr(self.settings, name)
            fake_logits = judge(_seen(painted, region, seen.mask_input), training=True)
            real_logits = judge(_seen(target, region, seen.mask_input), training=True)
            terms[f"{name}_ssim"] = losses.ssim_loss(target, painted)
            terms[f"{name}_adversarial"] = losses.adversarial_loss(fake_logits)
            terms[f"{name}_discriminator"] = losses.discriminator_loss(real_logits, fake_logits)
        return terms

    def _average(self, number):
        """Moves the average a little; in its first steps more, since it starts from chance."""
        done = tf.cast(number, tf.float32)
        keep = tf.minimum(self.settings.training.averaging, (1.0 + done) / (10.0 + done))
        pairs = zip(
            self.networks.average.variables, self.networks.generator.variables, strict=True
        )
        for average, current in pairs:
            average.assign(keep * average + (1.0 - keep) * tf.cast(current, average.dtype))


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
    noise = tf.random.stateless_normal(tf.shape(hole), tf.stack([settings.training.seed, number]))
    seen = inpainting.generator_input(
        inpainting.erase(target, hole),
        hole,
        noise,
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


def _seen(image, hole, mask_input):
    return tf.concat([image, hole], axis=-1) if mask_input else image


def totals(terms, weights):
    """Returns what generator, whole-image and ROI discriminator minimise (Eq. 1)."""
    names = ("whole_ssim", "whole_adversarial", "roi_ssim", "roi_adversarial")
    generator_loss = tf.add_n([getattr(weights, name) * terms[name] for name in names])
    return generator_loss, terms["whole_discriminator"], terms["roi_discriminator"]
