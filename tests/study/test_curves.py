import json

import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.study import curves, findings, tasks
from tests.study import made

STUDY = made.study(percentages=(10.0, 50.0, 100.0), arms=("real", "synthetic"), seeds=2)
GRAPH = tasks.build(STUDY, "0" * 64)
LABELS = np.arange(60) % 3 == 0


@pytest.fixture
def out(tmp_path):
    """A study whose synthetic arm is perfect at 50%, and as good as the other elsewhere."""
    for task in (t for t in GRAPH if t.kind == "classifier"):
        perfect = "050" in task.name and task.settings["arm"] == "synthetic"
        noise = np.random.default_rng(task.settings["seed"]).random(60)
        scores = LABELS + 0.0 if perfect else noise
        folder = tmp_path / task.folder
        folder.mkdir(parents=True)
        figures = {"threshold": 0.5, "calibration_error": 0.1, "added": 5}
        figures["real_ggns"] = 100 if "050" in task.name else 20
        (folder / "done.json").write_text(json.dumps({"key": task.key, "figures": figures}))
        patients = np.array([f"P{i // 2}" for i in range(60)])
        np.savez(folder / "scores.npz", test=scores, labels=LABELS, patients=patients)
    return tmp_path


def test_what_was_planted_is_found(out):
    found = curves.collect(STUDY, GRAPH, out)
    gains = {d["percentage"]: d["average_precision"] for d in found["differences"]}
    assert gains["50"]["low"] > 0.2 and gains["50"]["p_value"] < 0.05
    # The same scores in both arms: no draw of patients makes a difference.
    assert (gains["10"]["value"], gains["10"]["low"], gains["10"]["high"]) == (0, 0, 0)
    assert gains["10"]["p_value"] == 1.0
    verdicts = [f["verdict"] for f in found["findings"]]
    assert verdicts == [findings.AGREES] * 4
    assert "+0.6" in found["findings"][0]["sentence"] or "+0.5" in found["findings"][0]["sentence"]


def test_a_point_is_the_mean_over_seeds_with_an_interval_around_it(out):
    point = curves.collect(STUDY, GRAPH, out)["points"][0]
    each = point["average_precision"]["each_seed"]
    assert len(each) == 2 and point["average_precision"]["value"] == pytest.approx(
        np.mean(each), abs=1e-6
    )
    assert point["average_precision"]["low"] < np.mean(each) < point["average_precision"]["high"]


def test_results_are_written_and_read_again(out):
    found = curves.collect(STUDY, GRAPH, out)
    curves.write(found, out)
    assert curves.read(out) == found
    header = (out / "points.csv").read_text().splitlines()[0].split(",")
    assert {"arm", "percentage", "precision", "precision_low", "precision_high"} <= set(header)
    assert len((out / "points.csv").read_text().splitlines()) == 1 + 6
    assert (out / "findings.txt").read_text().startswith("agrees: ")


def test_without_a_classifier_there_is_nothing_to_show(tmp_path):
    with pytest.raises(errors.OutputError, match="no classifier is done yet"):
        curves.collect(STUDY, GRAPH, tmp_path)


def gain(value, low, high):
    return {"value": value, "low": low, "high": high}


def judged(gains):
    differences = [
        {"arm": "synthetic", "control": "real", "percentage": f"{p:g}", "average_precision": g}
        for p, g in gains.items()
    ]
    points = [{"arm": "real", "percentage": p, "real_ggns": 2 * p} for p in gains]
    return [f["verdict"] for f in findings.judge(points, differences)]


def test_a_gain_whose_interval_holds_0_only_points_that_way():
    assert judged({50.0: gain(0.1, -0.1, 0.3)})[0] == findings.LEANS


def test_one_sure_gain_beside_a_loss_only_points_that_way():
    found = judged({30.0: gain(-0.1, -0.2, 0.1), 50.0: gain(0.1, 0.05, 0.2)})
    assert found[0] == findings.LEANS


def test_a_loss_does_not_agree_and_what_was_not_run_is_not_tested():
    assert judged({50.0: gain(-0.1, -0.2, 0.1)}) == [
        findings.DISAGREES,
        findings.UNTESTED,
        findings.UNTESTED,
        findings.UNTESTED,
    ]


def test_a_sure_gain_at_all_percentages_is_no_plateau():
    found = judged({p: gain(0.1 + p / 1000, 0.05, 0.3) for p in (10.0, 50.0, 100.0)})
    assert found == [
        findings.AGREES,
        findings.DISAGREES,
        findings.DISAGREES,
        findings.DISAGREES,
    ]
