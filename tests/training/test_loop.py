import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config, errors
from ggngan_tf.data import nodules, pipeline
from ggngan_tf.training import loop, players, runlog, state, step
from tests.conftest import make_set
from tests.training.test_step import tiny


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "set.h5"
    nodules.write(make_set(8), path)
    return path


@pytest.fixture(scope="module")
def whole(data):
    """A run of six steps that nothing interrupted."""
    out = data.parent / "whole"
    assert start_and_train(data, out, settings(6)) == (6, False)
    return out


@pytest.fixture(scope="module")
def interrupted(data):
    """The same run, ended by SIGTERM in its third step."""
    out, real = data.parent / "interrupted", pipeline.batches

    def batches(*arguments, **named):
        for number, batch in enumerate(real(*arguments, **named)):
            if number == 2:
                signal.raise_signal(signal.SIGTERM)
            yield batch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "batches", batches)
        assert start_and_train(data, out, settings(6)) == (3, False)
    return out


def settings(steps):
    return tiny(steps=steps, checkpoint_every=2, log_every=1, sample_every=4)


def start_and_train(data, out, made):
    loop.start(data, out, made, force=False)
    return loop.train(data, out, made)


def stood_still(*_, **__):
    """Stands in for a step where the loop around it is what is looked at."""
    names = [f"{n}_{kind}" for n in ("whole", "roi") for kind in ("adversarial", "discriminator")]
    return {name: tf.constant(0.5) for name in [*names, "whole_ssim", "roi_ssim"]} | {
        "skipped": tf.constant(0.0)
    }


def final(out, made):
    run = state.State(made, out / "checkpoints")
    run.restore()
    return [v.numpy() for v in run.variables()]


def test_a_resumed_run_ends_bit_for_bit_where_the_uninterrupted_one_ends(
    data, whole, interrupted, tmp_path
):
    parts = shutil.copytree(interrupted, tmp_path / "parts")
    assert loop.train(data, parts, settings(6)) == (6, False)
    expected, found = final(whole, settings(6)), final(parts, settings(6))
    assert len(expected) > 60
    for before, after in zip(expected, found, strict=True):
        np.testing.assert_array_equal(after, before)


def test_a_run_folder_holds_what_people_look_for(whole):
    assert config.read(whole / "config.yaml").training == settings(6).training
    made_from = json.loads((whole / "provenance.json").read_text())
    assert made_from["data"]["nodules"]["train"] > 0 and len(made_from["data"]["sha256"]) == 64
    assert made_from["data"]["licence"] == "CC0"
    assert made_from["data"]["wider_than_painted"] == 0  # discs of 21 pixels at most, 44 fit
    lines = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert {"whole_ssim", "roi_adversarial", "images_per_second"} <= set(lines[0])
    grid = tf.io.decode_png((whole / "samples" / "0000004.png").read_bytes())
    assert grid.shape[1] == 3 * 64 * 3  # real, erased, synthetic; 3 pixels for one
    assert list((whole / "tensorboard").glob("events*"))


def test_what_is_left_open_is_saved_as_what_the_data_make_of_it(data, tmp_path):
    slices = tmp_path / "slices.h5"
    nodules.write(make_set(8, size=144), slices)
    for path, stem in ((data, 2), (slices, 4)):
        loop.start(path, tmp_path / path.stem, settings(2), force=False)
        saved = config.read(tmp_path / path.stem / "config.yaml")
        assert (saved.whole.stem, saved.roi.stem) == (stem, 2)


def test_another_file_is_not_resumed_from(interrupted, tmp_path):
    nodules.write(make_set(8, seed=1), tmp_path / "other.h5")
    with pytest.raises(errors.TrainingError, match="resume with the same file"):
        loop.train(tmp_path / "other.h5", interrupted, settings(6))


def test_other_networks_are_not_resumed_into(data, interrupted):
    own = settings(6)
    wider = own.model_copy(update={"generator": own.generator.model_copy(update={"filters": 6})})
    with pytest.raises(errors.TrainingError, match="does not fit the networks"):
        loop.train(data, interrupted, wider)


def test_a_split_without_training_patients_is_refused(data, tmp_path):
    made = settings(2)
    none = made.model_copy(update={"data": config.Data(fractions=(0.0, 0.0, 1.0))})
    with pytest.raises(errors.TrainingError, match="falls into the training part"):
        loop.start(data, tmp_path / "run", none, force=False)
    assert not (tmp_path / "run").exists()


def test_sigterm_saves_and_says_how_to_go_on(data, tmp_path):
    out = tmp_path / "run"
    small = ["generator.filters=4", "generator.blocks=1", "training.checkpoint_every=100000"]
    command = [sys.executable, "-m", "ggngan_tf.cli.main", "train", str(data), "--out", str(out)]
    command += ["--preset", "smoke", "--steps", "100000"]
    command += [word for change in small for word in ("--set", change)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    log = out / "log.jsonl"
    deadline = time.monotonic() + 300
    while not log.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    reached = state.newest_step(out / "checkpoints")
    assert reached >= 5
    assert f"Stopped at step {reached} of 100000; go on with --resume." in said


def test_one_seed_gives_the_same_bytes(data, whole, tmp_path):
    start_and_train(data, tmp_path / "again", settings(6))
    found = []
    for out in (whole, tmp_path / "again"):
        lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
        costs = [line["roi_ssim"] for line in lines]
        picture = (out / "samples" / "0000006.png").read_bytes()
        found.append((costs, picture, [v.tobytes() for v in final(out, settings(6))]))
    assert found[0] == found[1]


def test_another_seed_starts_from_other_weights_and_takes_other_nodules():
    weights, batches = [], []
    for seed in (0, 1):
        made = tiny(seed=seed)
        weights.append(players.make_networks(made).generator.trainable_variables[0].numpy())
        batches.append(next(iter(pipeline.batches(make_set(8), made)))["target"].numpy())
    assert not np.array_equal(*weights) and not np.array_equal(*batches)


def test_a_log_that_cannot_be_written_ends_the_run_with_advice(data, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    loop.start(data, tmp_path / "run", settings(4), force=False)
    monkeypatch.setattr(step.Trainer, "step", stood_still)
    monkeypatch.setattr(runlog.RunLog, "report", full)
    with pytest.raises(errors.OutputError, match=r"No space left .* --resume"):
        loop.train(data, tmp_path / "run", settings(4))
