import json

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import errors, losses
from ggngan_tf.data import nodules, pipeline
from ggngan_tf.training import loop, state
from tests.conftest import make_set
from tests.training.test_step import batch_of, tiny


def values(run):
    return [v.numpy() for v in run.variables()]


def planted(batch, value):
    target = batch["target"].numpy()
    target[0, 5, 5, 0] = value
    return batch | {"target": tf.constant(target)}


def poisoned(target, image):
    """Returns a finite loss whose gradient is NaN."""

    @tf.custom_gradient
    def poison(x):
        return tf.reduce_mean(x), lambda up: up * tf.fill(tf.shape(x), np.nan)

    return poison(image)


def test_what_is_not_finite_changes_no_weight_slot_statistic_or_average(tmp_path):
    settings = tiny()
    run, batch = state.State(settings, tmp_path), batch_of(settings)
    assert float(run.trainer.step(batch, tf.constant(0))["skipped"]) == 0
    before = values(run)
    for value in (np.nan, np.inf):
        terms = run.trainer.step(planted(batch, value), tf.constant(1))
        assert float(terms["skipped"]) == 1
        for old, new in zip(before, values(run), strict=True):
            np.testing.assert_array_equal(new, old)
    assert float(run.trainer.step(batch, tf.constant(1))["skipped"]) == 0
    moved = [not np.array_equal(a, b) for a, b in zip(before, values(run), strict=True)]
    assert np.mean(moved) > 0.8


def test_a_finite_loss_with_a_gradient_of_nan_is_skipped_too(tmp_path, monkeypatch):
    monkeypatch.setattr(losses, "ssim_loss", poisoned)
    settings = tiny()
    run = state.State(settings, tmp_path)
    before = values(run)
    terms = run.trainer.step(batch_of(settings), tf.constant(0))
    assert float(terms["skipped"]) == 1
    assert all(np.isfinite(float(value)) for value in terms.values())
    for old, new in zip(before, values(run), strict=True):
        np.testing.assert_array_equal(new, old)


def test_float16_lowers_the_scale_of_who_overflowed_and_nothing_else(tmp_path):
    settings = tiny(precision="mixed_float16")
    run, batch = state.State(settings, tmp_path), batch_of(settings)
    # A scale starts high and is lowered until no gradient overflows.
    skipped = [float(run.trainer.step(batch, tf.constant(0))["skipped"]) for _ in range(12)]
    assert skipped[-1] == 0
    judge = run.trainer.players[2][1]
    judge.dynamic_scale.assign(1e38)
    scales = [float(o.dynamic_scale) for _, o in run.trainer.players]
    before = [v.numpy() for m, _ in run.trainer.players for v in m.variables]
    assert float(run.trainer.step(batch, tf.constant(0))["skipped"]) == 1
    after = [v.numpy() for m, _ in run.trainer.players for v in m.variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new, old)
    lowered = [float(o.dynamic_scale) for _, o in run.trainer.players]
    np.testing.assert_allclose(lowered, [scales[0], scales[1], 0.5 * scales[2]])


def test_skipped_steps_are_counted_and_too_many_in_a_row_end_the_run(tmp_path, monkeypatch):
    nodules.write(make_set(8), tmp_path / "set.h5")
    real = pipeline.batches
    bad = {1, 3, 4, 5}

    def batches(*arguments, **named):
        for number, batch in enumerate(real(*arguments, **named)):
            yield planted(batch, np.nan) if number in bad else batch

    monkeypatch.setattr(pipeline, "batches", batches)
    settings = tiny(steps=9, log_every=1, checkpoint_every=3, validate_every=99, skip_limit=3)
    loop.start(tmp_path / "set.h5", tmp_path / "run", settings, force=False)
    with pytest.raises(errors.TrainingError, match=r"step 6: 3 steps in a row .* --resume"):
        loop.train(tmp_path / "set.h5", tmp_path / "run", settings)
    lines = [json.loads(s) for s in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["skipped"] for line in lines] == [0, 1, 0, 1, 1]
    assert lines[1]["whole_ssim"] is None and lines[2]["whole_ssim"] > 0
    run = state.State(settings, tmp_path / "run" / "checkpoints")
    assert run.restore() == 3
    assert all(np.isfinite(v.numpy()).all() for v in run.variables())
