import errno
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config, errors
from ggngan_tf.data import nodules
from ggngan_tf.training import loop, runlog, state
from tests.conftest import make_set
from tests.training.test_step import tiny


@pytest.fixture
def data(tmp_path):
    nodules.write(make_set(8), tmp_path / "set.h5")
    return tmp_path / "set.h5"


def settings(steps):
    return tiny(steps=steps, checkpoint_every=2, log_every=1, sample_every=4)


def start_and_train(data, out, made):
    loop.start(data, out, made, force=False)
    return loop.train(data, out, made)


def final(out, made):
    run = state.State(made, out / "checkpoints")
    run.restore()
    return [v.numpy() for v in run.variables()]


def test_a_resumed_run_ends_bit_for_bit_where_the_uninterrupted_one_ends(data, tmp_path):
    assert start_and_train(data, tmp_path / "whole", settings(6)).step == 6
    assert start_and_train(data, tmp_path / "parts", settings(3)).step == 3
    assert loop.train(data, tmp_path / "parts", settings(6)).step == 6
    whole = final(tmp_path / "whole", settings(6))
    parts = final(tmp_path / "parts", settings(6))
    assert len(whole) > 60
    for expected, found in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_run_folder_holds_what_people_look_for(data, tmp_path):
    out = tmp_path / "run"
    start_and_train(data, out, settings(4))
    assert config.read(out / "config.yaml") == settings(4)
    made_from = json.loads((out / "provenance.json").read_text())
    assert made_from["data"]["nodules"]["train"] > 0 and len(made_from["data"]["sha256"]) == 64
    assert made_from["data"]["licence"] == "CC0"
    assert made_from["data"]["wider_than_painted"] == 0  # discs of 21 pixels at most, 44 fit
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert {"whole_ssim", "roi_adversarial", "images_per_second"} <= set(lines[0])
    grid = tf.io.decode_png((out / "samples" / "0000004.png").read_bytes())
    assert grid.shape[1] == 3 * 64 * 3  # real, erased, synthetic; 3 pixels for one
    assert list((out / "tensorboard").glob("events*"))


def test_another_file_is_not_resumed_from(data, tmp_path):
    start_and_train(data, tmp_path / "run", settings(2))
    nodules.write(make_set(8, seed=1), tmp_path / "other.h5")
    with pytest.raises(errors.TrainingError, match="resume with the same file"):
        loop.train(tmp_path / "other.h5", tmp_path / "run", settings(4))


def test_other_networks_are_not_resumed_into(data, tmp_path):
    start_and_train(data, tmp_path / "run", settings(2))
    wider = settings(4).model_copy(update={"generator": config.Generator(filters=6, blocks=2)})
    with pytest.raises(errors.TrainingError, match="does not fit the networks"):
        loop.train(data, tmp_path / "run", wider)


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


def test_one_seed_gives_the_same_bytes_and_another_seed_others(data, tmp_path):
    found = {}
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        made = tiny(steps=2, log_every=1, seed=seed)
        start_and_train(data, tmp_path / name, made)
        lines = (tmp_path / name / "log.jsonl").read_text().splitlines()
        costs = [json.loads(line)["roi_ssim"] for line in lines]
        picture = (tmp_path / name / "samples" / "0000002.png").read_bytes()
        weights = [values.tobytes() for values in final(tmp_path / name, made)]
        found[name] = (costs, picture, weights)
    assert found["first"] == found["again"]
    assert found["first"][2] != found["other"][2]


def test_a_log_that_cannot_be_written_ends_the_run_with_advice(data, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    loop.start(data, tmp_path / "run", settings(4), force=False)
    monkeypatch.setattr(runlog.RunLog, "report", full)
    with pytest.raises(errors.OutputError, match=r"No space left .* --resume"):
        loop.train(data, tmp_path / "run", settings(4))
