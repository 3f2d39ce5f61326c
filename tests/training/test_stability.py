import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config, losses
from ggngan_tf.data import conditions
from ggngan_tf.models import discriminator
from ggngan_tf.training import step
from tests.training.test_step import batch_of, tiny

REAL, FAKE = tf.constant([[2.0], [-0.5]]), tf.constant([[-1.5], [0.5]])


def steadied(**stability):
    return tiny().model_copy(update={"stability": config.Stability(**stability)})


def test_relativistic_losses_pair_each_slice_with_its_painted_twin():
    # real - fake is 3.5 and -1.
    game = losses.GAMES["relativistic"]
    expected = np.mean([np.log1p(np.exp(-3.5)), np.log1p(np.exp(1.0))])
    np.testing.assert_allclose(game.discriminator(REAL, FAKE), expected, rtol=1e-6)
    expected = np.mean([np.log1p(np.exp(3.5)), np.log1p(np.exp(-1.0))])
    np.testing.assert_allclose(game.generator(REAL, FAKE), expected, rtol=1e-6)


def test_the_r1_penalty_is_half_the_mean_squared_slope():
    gradient = np.zeros((2, 4, 4, 1), np.float32)
    gradient[0, 0, :2] = 3.0  # squared length 18; the other image's is 0
    np.testing.assert_allclose(losses.r1_penalty(tf.constant(gradient), 10.0), 0.5 * 10 * 9)


def test_r1_makes_the_judges_flatter():
    slopes = []
    for weight in (0.0, 100.0):
        settings = steadied(r1=weight, judge_learning_rate=3e-3)
        trainer, batch = step.Trainer(settings), batch_of(settings)
        for number in range(8):
            terms = trainer.step(batch, tf.constant(number))
            assert float(terms["skipped"]) == 0
        asked = conditions.scaled(batch["conditions"])
        seen = discriminator.views(batch["target"], batch["hole"], asked, settings.whole)
        with tf.GradientTape() as tape:
            tape.watch(seen)
            logits = trainer.networks.whole(seen, batch["hole"], training=True)
        slopes.append(float(tf.norm(tape.gradient(logits, seen))))
    assert slopes[1] < slopes[0]


@pytest.mark.parametrize(
    "options",
    [
        {"objective": "standard", "spectral_normalisation": True},
        {"objective": "relativistic", "beta_1": 0.5},
    ],
    ids=lambda options: options["objective"],
)
def test_each_option_takes_a_step_and_changes_all_networks(options):
    settings = steadied(**options)
    trainer = step.Trainer(settings)
    before = [[v.numpy() for v in model.trainable_variables] for model, _ in trainer.players]
    terms = trainer.step(batch_of(settings), tf.constant(0))
    assert float(terms["skipped"]) == 0
    assert all(np.isfinite(float(value)) for value in terms.values())
    for (model, _), old in zip(trainer.players, before, strict=True):
        assert any(
            not np.array_equal(v, o) for v, o in zip(model.trainable_variables, old, strict=True)
        )


def test_spectral_kernels_are_put_back_when_a_step_is_skipped():
    settings = steadied(spectral_normalisation=True)
    trainer, batch = step.Trainer(settings), batch_of(settings)
    before = [v.numpy() for model, _ in trainer.players for v in model.variables]
    bad = batch | {"target": batch["target"] * np.nan}
    assert float(trainer.step(bad, tf.constant(0))["skipped"]) == 1
    after = [v.numpy() for model, _ in trainer.players for v in model.variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new, old)


def test_the_judges_have_a_learning_rate_of_their_own_and_adam_its_momentum():
    trainer = step.Trainer(steadied(judge_learning_rate=4e-4, beta_1=0.5))
    rates = [float(optimizer.learning_rate) for _, optimizer in trainer.players]
    np.testing.assert_allclose(rates, [tiny().training.learning_rate, 4e-4, 4e-4], rtol=1e-6)
    assert all(optimizer.beta_1 == 0.5 for _, optimizer in trainer.players)


def test_none_of_them_changes_the_paper():
    assert config.PRESETS["paper"].stability == config.Stability()
    assert config.Stability().model_dump() == {
        "objective": "standard",
        "r1": 0.0,
        "spectral_normalisation": False,
        "judge_learning_rate": None,
        "beta_1": 0.9,
    }
