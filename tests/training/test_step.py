import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config
from ggngan_tf.data import conditions, pipeline
from ggngan_tf.training import painting, players, step
from tests.conftest import make_set

TINY = {
    "generator": config.Generator(filters=4, blocks=1),
    "whole": config.Discriminator(filters=(4, 8)),
    "roi": config.Discriminator(filters=(4, 8)),
}


def tiny(preset="smoke", **training):
    base = config.PRESETS[preset]
    changes = {
        name: value.model_copy(
            update={
                key: getattr(getattr(base, name), key)
                for key in type(value).model_fields
                if key not in ("filters", "blocks")
            }
        )
        for name, value in TINY.items()
    }
    training = base.training.model_copy(update={"batch": 2} | training)
    return base.model_copy(update=changes | {"training": training})


def batch_of(settings, size=71):
    return pipeline.fixed(make_set(2, size=size), settings, 2)


def test_a_compiled_step_loses_what_the_plain_one_loses():
    found = []
    for compiled in (False, True):
        settings = tiny(compiled=compiled)
        quiet = settings.generator.model_copy(update={"noise_input": False})  # XLA's is another
        settings = settings.model_copy(update={"generator": quiet})
        terms = step.Trainer(settings).step(batch_of(settings), tf.constant(0))
        found.append({name: float(value) for name, value in terms.items()})
    assert found[1] == pytest.approx(found[0], rel=1e-3, abs=1e-4)


def test_a_step_changes_all_three_networks_and_their_losses_are_finite():
    settings = tiny()
    trainer = step.Trainer(settings)
    before = [[v.numpy() for v in model.trainable_variables] for model, _ in trainer.players]
    terms = trainer.step(batch_of(settings), tf.constant(0))
    assert all(np.isfinite(float(value)) for value in terms.values())
    for (model, _), old in zip(trainer.players, before, strict=True):
        moved = [
            not np.array_equal(v, o) for v, o in zip(model.trainable_variables, old, strict=True)
        ]
        assert np.mean(moved) > 0.9


def test_the_generator_learns_to_fool_and_the_judges_to_tell():
    # With the other side held still, each side's own loss must fall.
    settings = tiny(learning_rate=3e-3)
    batch, trainer = batch_of(settings), step.Trainer(settings)
    for held in ("generator", "judges"):
        trainer.set_learning_rates()
        for model, optimizer in trainer.players:
            if (model is trainer.networks.generator) == (held == "generator"):
                optimizer.learning_rate = 0.0
        name = "roi_adversarial" if held == "judges" else "roi_discriminator"
        costs = [float(trainer.step(batch, tf.constant(0))[name]) for _ in range(12)]
        assert costs[-1] < costs[0], held


def test_the_generator_learns_to_paint_a_place_in_more_than_one_way():
    alone = config.Loss(**dict.fromkeys(config.Loss.model_fields, 0.0) | {"diversity": 1.0})
    settings = tiny(learning_rate=3e-3).model_copy(update={"loss": alone})
    batch, trainer = batch_of(settings), step.Trainer(settings)
    spread = tf.one_hot(conditions.NAMES.index("spread"), len(conditions.NAMES))
    batch["conditions"] += 2000.0 * spread  # HU: more than the first weights give
    costs = [float(trainer.step(batch, tf.constant(n))["diversity"]) for n in range(20)]
    assert costs[-1] < costs[0] - 0.05


def test_pasted_images_differ_inside_the_hole_only():
    settings = tiny()
    batch = batch_of(settings)
    network = players.make_networks(settings).generator
    fake = painting.paint(network, batch, settings, tf.constant(0)).numpy()
    hole = batch["hole"].numpy()
    assert np.array_equal(fake[hole == 0], batch["target"].numpy()[hole == 0])
    assert not np.array_equal(fake[hole == 1], batch["target"].numpy()[hole == 1])


def test_the_window_gives_what_the_whole_slice_gives():
    settings = tiny()
    batch = batch_of(settings, size=128)
    network = players.make_networks(settings).generator
    local = painting.paint(network, batch, settings, tf.constant(0))
    unpasted = settings.model_copy(
        update={"training": settings.training.model_copy(update={"paste": False})}
    )
    whole = painting.paint(network, batch, unpasted, tf.constant(0))
    inside = batch["hole"].numpy() > 0
    np.testing.assert_allclose(local.numpy()[inside], whole.numpy()[inside], atol=1e-5)


def test_the_paper_shows_the_judges_the_whole_output():
    settings = tiny("paper")
    batch = batch_of(settings)
    network = players.make_networks(settings).generator
    fake = painting.paint(network, batch, settings, tf.constant(0)).numpy()
    outside = batch["hole"].numpy() == 0
    assert not np.array_equal(fake[outside], batch["target"].numpy()[outside])


def test_the_same_seed_paints_the_same_and_another_step_another_nodule():
    settings = tiny()
    batch = batch_of(settings)
    network = players.make_networks(settings).generator
    first, again, other = (
        painting.paint(network, batch, settings, tf.constant(n)).numpy() for n in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_average_follows_the_generator_by_hand_worked_steps():
    settings = tiny(averaging=0.5)
    trainer = step.Trainer(settings)
    kernel, average = (
        network.tail.kernel for network in (trainer.networks.generator, trainer.networks.average)
    )
    start = kernel.numpy()
    trainer.step(batch_of(settings), tf.constant(0))  # its first step keeps (1 + 0) / (10 + 0)
    np.testing.assert_allclose(average, 0.1 * start + 0.9 * kernel.numpy(), rtol=1e-5, atol=1e-7)
    before = average.numpy()
    trainer.step(batch_of(settings), tf.constant(10_000))
    np.testing.assert_allclose(average, 0.5 * (before + kernel.numpy()), rtol=1e-5, atol=1e-7)


def test_float16_scales_its_losses():
    settings = tiny(precision="mixed_float16")
    trainer = step.Trainer(settings)
    batch = batch_of(settings)
    assert all(float(optimizer.dynamic_scale) > 1 for _, optimizer in trainer.players)
    for number in range(3):
        terms = trainer.step(batch, tf.constant(number))
    assert all(np.isfinite(float(value)) for value in terms.values())
    assert all(v.dtype == "float32" for v in trainer.networks.generator.trainable_variables)


def test_the_paper_preset_takes_a_step_with_its_own_networks():
    settings = config.PRESETS["paper"]
    trainer = step.Trainer(settings)
    # 512 x 512 is what benchmarks/training.py times; the networks are those of any size.
    batch = pipeline.fixed(make_set(1, size=64), settings, 1)
    terms = trainer.step(batch, tf.constant(0))
    assert all(np.isfinite(float(value)) for value in terms.values())
