import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from click import testing

from ggngan_tf.cli import main
from ggngan_tf.data import nodules
from ggngan_tf.evaluation import cnn, radiomics
from tests import conftest
from tests.evaluation import fakes


def run(*arguments) -> testing.Result:
    return testing.CliRunner().invoke(main.main, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Real and training nodules and smooth synthetic ones, drawn, as files."""
    path = tmp_path_factory.mktemp("sets")
    real, training = (conftest.make_set(rows=24, seed=s) for s in (0, 1))
    names = np.char.add("T", training.patient_id)
    training = dataclasses.replace(training, patient_id=names)
    nodules.write(real, path / "real.h5")
    nodules.write(fakes.blobs(real), path / "synthetic.h5")
    nodules.write(fakes.seams(fakes.blobs(real)), path / "other_seed.h5")
    nodules.write(training, path / "training.h5")
    return path


@pytest.fixture(scope="module")
def compared(folder):
    """The folder of a comparison with pixels, the network trained for a moment only."""
    steps, cnn.STEPS = cnn.STEPS, 5
    sets = [folder / "real.h5", folder / "synthetic.h5", "--train-set", folder / "training.h5"]
    sets += ["--seed-set", folder / "other_seed.h5"]
    result = run("compare", *sets, "--splits", 2, "--out", folder / "out", "--json")
    cnn.STEPS = steps
    assert result.exit_code == 0, result.output
    return folder / "out", json.loads(result.stdout)


def test_radiomics_writes_one_row_a_nodule(folder, tmp_path):
    result = run("radiomics", folder / "real.h5", "--out", tmp_path / "features.csv", "--json")
    assert json.loads(result.stdout)["nodules"] == 24
    table = radiomics.read(tmp_path / "features.csv")
    expected = radiomics.extract(nodules.read(folder / "real.h5"))
    names = list(radiomics.FEATURES)
    np.testing.assert_array_equal(table[names], expected[names])


def test_radiomics_of_a_rule_keeps_the_rows_of_the_file(tmp_path):
    texture = np.array([[5, 5, 5, 5], [1, 1, 1, 1]] * 3, np.int8)
    nodules.write(conftest.make_set(texture=texture), tmp_path / "set.h5")
    run("radiomics", tmp_path / "set.h5", "--rule", "mean", "--out", tmp_path / "features.csv")
    assert radiomics.read(tmp_path / "features.csv").row.tolist() == [1, 3, 5]


def test_radiomics_overwrites_nothing_unasked(folder, tmp_path):
    (tmp_path / "features.csv").write_text("mine")
    result = run("radiomics", folder / "real.h5", "--out", tmp_path / "features.csv")
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert (tmp_path / "features.csv").read_text() == "mine"


def test_compare_judges_features_and_pixels(compared):
    out, printed = compared
    results = json.loads((out / "results.json").read_text())
    assert results["not_significant"] == printed["not_significant"]
    assert set(results["judges"]) == {"logistic", "boosting", "cnn", "seam"}
    assert results["hardest"]["auc"] == max(j["auc"] for j in results["judges"].values())
    assert results["memorisation"]["copies"] == 0
    assert results["ssim"]["pairs"] == 24
    assert results["diversity"]["places"] == 24
    assert results["inputs"]["synthetic"]["generator_sha256"] == "0" * 64
    assert set(results["real_vs_real"]) >= {"auc_cnn", "auc_seam", "auc_logistic", "mean_ks"}


def test_compare_writes_the_tables_behind_its_figures(compared):
    out, printed = compared
    table = pd.read_csv(out / "features.csv")
    assert (table.p_value >= 0.05).sum() == printed["not_significant"]
    assert len(radiomics.read(out / "synthetic.csv")) == 24


def test_the_report_shows_pictures_figures_and_limits(compared):
    out, _ = compared
    html = (out / "report.html").read_text()
    for piece in (
        "Are they real?",
        "58 of 93",
        "Inverse difference moment",
        "not a medical device",
    ):
        assert piece in html
    assert html.count("data:image/png") >= 4 * 24
    assert html.count("data:image/svg") == 3


def test_the_report_can_be_made_again_and_shows_a_training_run(compared, tmp_path):
    out, _ = compared
    lines = [{"step": s, "time": "2026-01-01", "roi_ssim": 1 / s} for s in (10, 20, 30)]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    result = run("report", out, "--run", tmp_path, "--out", tmp_path / "again.html")
    assert result.exit_code == 0, result.output
    html = (tmp_path / "again.html").read_text()
    assert "over 30 steps" in html
    assert html.count("data:image/png") == (out / "report.html").read_text().count("data:image/png")


def test_a_report_whose_sets_have_moved_says_so(compared, folder, tmp_path):
    out, _ = compared
    results = json.loads((out / "results.json").read_text())
    for source in results["inputs"].values():
        source["set"] = str(tmp_path / "gone.h5")
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in out.glob("*.csv"):
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "results.json").write_text(json.dumps(results))
    assert run("report", copy).exit_code == 0
    assert "No pictures" in (copy / "report.html").read_text()


def test_compare_of_tables_alone_needs_no_pixels(folder, tmp_path):
    for name in ("real", "synthetic"):
        run("radiomics", folder / f"{name}.h5", "--out", tmp_path / f"{name}.csv")
    tables = (tmp_path / "real.csv", tmp_path / "synthetic.csv")
    result = run("compare", *tables, "--splits", 1, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "features do not differ" in result.stdout
    assert set(json.loads((tmp_path / "out/results.json").read_text())["judges"]) == {
        "logistic",
        "boosting",
    }


def test_compare_refuses_a_set_that_the_table_did_not_come_from(folder, tmp_path):
    table = radiomics.extract(nodules.read(folder / "real.h5"))
    radiomics.write(table.assign(nodule_id=table.nodule_id + 100), tmp_path / "real.csv")
    sets = (folder / "synthetic.h5", "--real-set", folder / "real.h5")
    result = run("compare", tmp_path / "real.csv", *sets, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "nodule_id is 100" in result.stderr


def test_report_refuses_a_folder_of_something_else(tmp_path):
    result = run("report", tmp_path)
    assert result.exit_code == 1
    assert "make one with `ggngan compare`" in result.stderr


def test_report_refuses_a_run_without_a_log(compared, tmp_path):
    result = run("report", compared[0], "--run", tmp_path, "--out", tmp_path / "x.html")
    assert result.exit_code == 1
    assert "name a run folder" in result.stderr
