import dataclasses

import numpy as np
import pytest

from ggngan_tf.data import nodules
from ggngan_tf.study import augment, classifier, metrics, settings, trial
from tests.study import made

WINDOW = (-1000.0, 400.0)
HOW = settings.Classifier(
    filters=(4, 8), steps=40, batch=16, validate_every=10, dropout=0.2, learning_rate=1e-2
)


def examples(rows, seed):
    whole = made.nodule_set(rows // 2, seed)
    return classifier.Examples(whole.image, nodules.ground_glass(whole.texture, "mean"))


@pytest.fixture(scope="module")
def trained():
    return classifier.train(examples(40, 0), examples(40, 1), HOW, WINDOW, seed=5)


def test_it_learns_what_tells_the_two_kinds_apart(trained):
    others = examples(60, 2)
    logits = classifier.score(trained.weights, others.images, HOW, WINDOW)
    assert metrics.average_precision(others.labels, logits) > 0.7  # guessing gives 0.25


def test_the_same_seed_gives_the_same_weights_whatever_ran_before(trained):
    classifier.train(examples(20, 3), examples(20, 4), HOW, WINDOW, seed=8)
    again = classifier.train(examples(40, 0), examples(40, 1), HOW, WINDOW, seed=5)
    for found, expected in zip(again.weights, trained.weights, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_weights_kept_are_those_of_the_best_validations(trained):
    smoothed = [np.mean([v for _, v in trained.history[max(0, i - 2) : i + 1]]) for i in range(4)]
    assert trained.step == trained.history[int(np.argmax(smoothed))][0]


def test_it_stops_when_validation_gains_nothing():
    how = HOW.model_copy(update={"learning_rate": 1e-9, "patience": 1})
    found = classifier.train(examples(20, 0), examples(20, 1), how, WINDOW, seed=5)
    assert found.history[-1][0] < HOW.steps


def test_balanced_batches_hold_as_many_of_one_kind_as_of_the_other():
    labels = np.arange(50) < 5
    rows = classifier._rows(labels, 16, "sampling", np.random.default_rng(0))
    assert all(labels[next(rows)].sum() == 8 for _ in range(5))


def test_plain_batches_take_every_row_once_an_epoch():
    rows = classifier._rows(np.arange(48) < 5, 16, "none", np.random.default_rng(0))
    assert sorted(np.concatenate([next(rows) for _ in range(3)])) == list(range(48))


def test_weights_make_both_kinds_count_alike():
    weights = classifier._weights(np.arange(10) < 2, "weights")
    assert weights[:2].sum() == pytest.approx(weights[2:].sum()) == pytest.approx(5)


def test_without_augmentation_the_network_sees_the_middle_of_the_patch():
    images = made.nodule_set(2).image
    seen = augment.batch(images, settings.NONE, WINDOW, np.random.default_rng(0))
    np.testing.assert_allclose(
        seen[..., 0], (np.clip(images[:, 4:68, 4:68], -1000, 400) + 1000) / 1400, rtol=1e-6
    )


def test_augmentation_moves_turns_and_shades_but_keeps_the_nodule_inside():
    images = np.repeat(made.nodule_set(1).image[:1], 40, axis=0)
    seen = augment.batch(images, settings.Augmentation(), WINDOW, np.random.default_rng(0))
    assert len({image.tobytes() for image in seen}) == 40
    around_middle = seen[:, 28:36, 28:36].mean(axis=(1, 2, 3))
    assert np.all(around_middle > seen[:, :8].mean(axis=(1, 2, 3)) + 0.05)


def test_test_patients_change_nothing_that_is_learnt():
    parts = [made.nodule_set(8, seed) for seed in range(3)]
    other = dataclasses.replace(parts[2], image=parts[2].image[:, ::-1] + np.int16(70))
    how = {"how": HOW, "rule": "mean", "window": WINDOW, "ratio": 0.0, "balance": "none", "seed": 1}
    first = trial.run(parts[0], parts[1], parts[2], None, **how)
    second = trial.run(parts[0], parts[1], other, None, **how)
    for found, expected in zip(second.weights, first.weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    for name in ("threshold", "calibration", "step"):
        assert first.figures[name] == second.figures[name]
    assert np.any(first.scores["test"] != second.scores["test"])
