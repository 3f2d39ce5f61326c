"""One tiny study from the command line: every kind of task with the real networks."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf
from click import testing

from ggngan_tf.cli import main
from ggngan_tf.data import nodules
from tests.study import made

SETTINGS = [
    "percentages=[100]",
    "seeds=1",
    "gan.preset=smoke",
    "gan.steps=2",
    "gan.more_steps=0",
    # A game that is quickly traced; what it paints is no matter here.
    "gan.overrides=["
    "generator.filters=4, generator.blocks=1, 'whole.filters=[8]', 'roi.filters=[8]', "
    "data.others=0.0, loss.radiomic=0.0, loss.distribution=0.0, loss.diversity=0.0, "
    "stability.r1=0.0, "
    "stability.objective=standard, training.freeze_from=1.0, training.decay_from=1.0]",
    "classifier.filters=[4, 8]",
    "classifier.steps=6",
    "classifier.batch=8",
    "classifier.validate_every=3",
    "bootstrap=40",
]


def run(*arguments) -> testing.Result:
    return testing.CliRunner().invoke(main.main, ["study", *map(str, arguments)])


def studied(data, out, *more, settings=SETTINGS):
    changes = [word for one in (*settings, *more) for word in ("--set", one)]
    return run("run", data, "--out", out, "--preset", "quick", "--jobs", 1, *changes, "--json")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "set.h5"
    nodules.write(made.nodule_set(40), path)
    return path


@pytest.fixture(scope="module")
def study(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("studies") / "one"
    result = studied(data, out)
    assert result.exit_code == 0, result.output + str(result.exception)
    return out, json.loads(result.stdout)


def test_a_study_ends_with_figures_of_every_arm(study):
    _, printed = study
    arms = [point["arm"] for point in printed["points"]]
    assert arms == [
        "real",
        "oversampled",
        "copy_paste",
        "synthetic",
        "synthetic_oversampled",
    ]
    assert all(0 <= point["auc"]["value"] <= 1 for point in printed["points"])
    counts = {point["arm"]: (point["real_ggns"], point["added"]) for point in printed["points"]}
    assert counts["synthetic"] == counts["copy_paste"] == (12, 12)
    assert counts["real"] == counts["oversampled"] == (12, 0)
    assert len(printed["findings"]) == 4 and not printed["tasks"]["failed"]


def test_nothing_leaked(study):
    leaked = study[1]["leakage"]
    assert leaked["shared"] == 0 and leaked["tasks"] == 9 and leaked["held_out_patients"] == 16


def test_what_was_painted_lies_in_the_lungs_of_training_patients(study, data):
    out, _ = study
    (path,) = out.glob("tasks/synthetic-100-s0-*/set.h5")
    (subset,) = out.glob("tasks/subset-100-s0-*/set.h5")
    added, own = nodules.read(path), nodules.read(subset)
    assert added.synthetic and nodules.ground_glass(added.texture, "mean").all()
    assert set(added.patient_id) <= set(own.patient_id)
    # All that was not painted is a training patient's, pixel for pixel.
    corners = {image[:6].tobytes() for image in own.image}
    assert {image[:6].tobytes() for image in added.image} <= corners


def test_the_page_and_its_figures_stand_alone(study):
    out, _ = study
    html = (out / "report.html").read_text()
    assert "gain at 30 to 70% of the data" in html and "not a medical device" in html
    assert html.count("data:image/svg") == 3
    assert not re.search(r'(src|href)="http', html)
    for name in ("figure6.png", "arms.png", "gains.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    for name in ("results.json", "points.csv", "differences.csv", "config.yaml"):
        assert (out / name).exists()


def test_the_same_command_does_nothing_anew_and_a_changed_setting_what_depends_on_it(study, data):
    out, first = study
    again = json.loads(studied(data, out).stdout)
    assert again["tasks"]["done"] == 0 and again["points"] == first["points"]
    plan = json.loads(
        studied(data, out, "classifier.steps=7", "gan.steps=2").stdout.strip() or "{}"
    )
    assert plan["tasks"]["done"] == 5 and plan["tasks"]["reused"] == 6
    assert json.loads(studied(data, out).stdout)["tasks"]["done"] == 0


def test_a_dry_run_lists_tasks_and_cost_and_does_nothing(data, tmp_path):
    result = run("run", data, "--out", tmp_path / "out", "--preset", "quick", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "gan-050-s0" in result.stdout and "tasks to do, 0 done before; about" in result.stdout
    assert not (tmp_path / "out").exists()
    printed = run(
        "run", data, "--out", tmp_path / "out", "--preset", "paper", "--dry-run", "--json"
    )
    assert json.loads(printed.stdout)["seconds"] > 3600


def test_a_classifier_is_exported_for_programs_that_know_tensorflow_only(study, data, tmp_path):
    out, _ = study
    result = run("export", out, "--out", tmp_path / "cad", "--json")
    assert result.exit_code == 0, result.output
    manifest = json.loads(result.stdout)
    assert manifest["task"] == "classifier-100-s0-synthetic" and manifest["version"] == "1"
    # Another test may have left the same task with other settings there, under another key.
    folder = f"{manifest['task']}-{manifest['key'][:12]}"
    with np.load(out / "tasks" / folder / "scores.npz") as scores:
        expected = scores["test"]
    test = nodules.read(next(out.glob("tasks/test-*/set.h5")))
    classify = tf.saved_model.load(str(tmp_path / "cad" / "1")).signatures["serving_default"]
    found = classify(image=test.image[..., None].astype(np.float32))["probability"].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_bad_input_ends_in_one_line(study, data, tmp_path):
    out, _ = study
    for arguments, said in (
        (("report", tmp_path), "holds no study"),
        (("export", out, "--out", tmp_path / "x", "--arm", "weighted"), "weighted is not there"),
        (("export", tmp_path, "--out", tmp_path / "x"), "holds no study"),
        (("run", data, "--out", tmp_path / "x", "--preset", "huge"), "preset 'huge' is unknown"),
        (("run", data, "--out", data.parent, "--preset", "quick"), "holds something that is no"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1, result.output
        assert said in result.stderr and "Traceback" not in result.output
