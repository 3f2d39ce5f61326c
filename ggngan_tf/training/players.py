"""The networks that play against each other, and what updates them."""

import dataclasses

import keras

from ggngan_tf import config
from ggngan_tf.models import discriminator, generator
from ggngan_tf.training import devices


@dataclasses.dataclass(frozen=True)
class Networks:
    """What is trained, and the running average of the generator that is exported."""

    generator: generator.Generator
    average: generator.Generator
    whole: discriminator.Discriminator
    roi: discriminator.Discriminator


def make_networks(settings: config.Config, synchronized: bool = False) -> Networks:
    """Returns built networks whose first weights follow from the seed.

    Args:
        settings: Sizes, precision and seed.
        synchronized: Whether batch normalisation counts the images of all devices as one batch.
    """
    keras.utils.set_random_seed(settings.training.seed)
    kind = {"dtype": devices.precision(settings.training.precision), "synchronized": synchronized}
    painter = generator.make(settings.generator, **kind)
    average = generator.make(settings.generator)
    for copy, original in zip(average.variables, painter.variables, strict=True):
        copy.assign(original)
    spectral = settings.stability.spectral_normalisation
    whole = discriminator.make(settings.whole, spectral=spectral, **kind)
    roi = discriminator.make(settings.roi, spectral=spectral, **kind)
    return Networks(painter, average, whole, roi)


def make_optimizers(
    settings: config.Config, networks: Networks
) -> list[keras.optimizers.Optimizer]:
    """Returns Adam for generator, whole-image and ROI discriminator.

    They are built, so that a restore can be checked whole before the first step.
    """
    made = []
    models = (networks.generator, networks.whole, networks.roi)
    for model, rate in zip(models, learning_rates(settings), strict=True):
        optimizer = keras.optimizers.Adam(rate, beta_1=settings.stability.beta_1)
        if devices.precision(settings.training.precision) == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(model.trainable_variables)
        made.append(optimizer)
    return made


def learning_rates(settings: config.Config, number: int = 0) -> tuple[float, float, float]:
    """Returns the learning rates of generator, whole-image and ROI discriminator at a step.

    From `training.decay_from` of the steps to the last they fall in a straight line to a tenth.
    """
    steps, first = settings.training.steps, settings.training.decay_from * settings.training.steps
    gone = max(number - first, 0.0) / max(steps - first, 1.0)
    own = settings.training.learning_rate
    judges = settings.stability.judge_learning_rate or own
    return tuple(rate * (1.0 - 0.9 * gone) for rate in (own, judges, judges))
