import re

import pytest
from click.testing import CliRunner

from ggngan_tf import config
from ggngan_tf.cli import main, training
from ggngan_tf.data import nodules
from ggngan_tf.training import loop
from tests.conftest import make_set

TINY = ["--preset", "smoke", "--set", "generator.filters=4", "--set", "generator.blocks=1"]


@pytest.fixture
def data(tmp_path):
    nodules.write(make_set(8), tmp_path / "set.h5")
    return tmp_path / "set.h5"


def run(*arguments):
    return CliRunner().invoke(main.main, ["train", *(str(a) for a in arguments)])


def refused(*arguments):
    done = run(*arguments)
    assert done.exit_code == 1 and "Traceback" not in done.output, done.output
    return done.output


def test_a_run_is_trained_and_resumed_with_its_own_settings(data, tmp_path):
    out = tmp_path / "run"
    done = run(data, "--out", out, *TINY, "--steps", 2, "--seed", 3)
    assert done.exit_code == 0 and "Trained 2 steps" in done.output
    done = run(data, "--out", out, "--resume", "--steps", 3)
    assert done.exit_code == 0 and "Trained 3 steps" in done.output
    saved = config.read(out / "config.yaml")
    assert (saved.training.steps, saved.training.seed, saved.generator.filters) == (3, 3, 4)


def test_a_run_folder_is_not_overwritten(data, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    assert "exists already" in refused(data, "--out", tmp_path / "run", *TINY)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_a_folder_that_is_no_run_is_not_resumed(data, tmp_path):
    assert "not a run folder" in refused(data, "--out", tmp_path, "--resume")


def test_an_unknown_setting_is_named(data, tmp_path):
    said = refused(data, "--out", tmp_path / "run", "--set", "training.speed=11")
    assert "'speed' is unknown" in said


def test_a_file_that_is_no_set_is_refused(tmp_path):
    (tmp_path / "set.h5").write_text("no")
    said = refused(tmp_path / "set.h5", "--out", tmp_path / "run", *TINY)
    assert "cannot be read as HDF5" in said and not (tmp_path / "run").exists()


def test_a_set_without_ground_glass_is_refused(tmp_path):
    texture = make_set(4).texture * 0 + 5
    nodules.write(make_set(4, texture=texture), tmp_path / "set.h5")
    said = refused(tmp_path / "set.h5", "--out", tmp_path / "run", *TINY)
    assert "none of 4 nodules is ground glass" in said


def test_real_nodules_are_trained_on(lidc_path, tmp_path):
    done = run(
        lidc_path, "--rule", "mean", "--preset", "smoke", "--steps", 20, "--out", tmp_path / "r"
    )
    assert done.exit_code == 0, done.output
    assert (tmp_path / "r" / "samples" / "0000020.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("step", "patience", "said"),
    [
        (40, True, "by patience: no gain in 7 validations. .* ggngan export run"),
        (40, False, "Stopped at step 40 of 90; go on with --resume"),
        (90, False, "Trained 90 steps; export with: ggngan export run"),
    ],
)
def test_a_run_says_why_it_ended_and_what_comes_next(step, patience, said):
    made = config.Training(steps=90, patience=7)
    assert re.search(said, training._summary(loop.Ended(step, patience), made, "run"))
