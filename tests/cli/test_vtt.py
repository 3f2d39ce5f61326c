import json
import pathlib

import numpy as np
import pandas as pd
import pytest
from click import testing

from ggngan_tf.cli import main
from ggngan_tf.data import nodules
from ggngan_tf.evaluation import radiomics
from tests.turing.conftest import sets, smoothed  # noqa: F401  (a fixture)


def run(*arguments):
    return testing.CliRunner().invoke(main.main, ["vtt", *map(str, arguments)])


@pytest.fixture(scope="module")
def study(sets, tmp_path_factory):  # noqa: F811
    out = tmp_path_factory.mktemp("vtt") / "study"
    found = run(
        "pack", *sets, "--out", out, "--real", 12, "--synthetic", 12, "--batches", 2,
        "--layout", "crossed", "--readers", 3, "--repeats", 3, "--seed", 4,
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    return out


def key_of(study):
    return study.with_name("study.key.json")


def test_pack_says_where_the_key_is_and_what_the_audit_found(study):
    assert key_of(study).exists()
    assert not list(study.rglob("*key*"))
    found = run("pack", study, study, "--out", study)
    assert found.exit_code == 1
    assert "exists already" in found.output


def test_simulate_and_score_make_results_figures_and_a_report(study, tmp_path):
    answers, out = tmp_path / "answers.csv", tmp_path / "results"
    found = run("simulate", study, "--key", key_of(study), "--out", answers, "--auc", 0.9)
    assert found.exit_code == 0, found.output
    found = run("score", study, "--key", key_of(study), "--answers", answers, "--out", out)
    assert found.exit_code == 0, found.output
    assert "reader-3: AUC 0." in found.output and "other readers, other cases" in found.output
    results = json.loads((out / "results.json").read_text())
    assert results["pooled"]["readings"] == 72
    assert results["agreement"]["repeats"]["reader-1"]["cases"] == 6
    page = (out / "report.html").read_text()
    assert page.count("<svg") + page.count("data:image/svg") == 4
    assert "Krippendorff" in page and "19/51 (37%)" in page
    assert {p.name for p in out.iterdir()} == {
        "results.json", "readings.csv", "report.html",
        "distribution.svg", "confusion.svg", "roc.svg", "session.svg",
    }  # fmt: skip


def test_score_compares_readers_with_radiomics_on_the_same_cases(sets, study, tmp_path):  # noqa: F811
    tables = []
    for path in sets:
        tables.append(tmp_path / f"{path.stem}.csv")
        radiomics.write(radiomics.extract(nodules.read(path)), tables[-1])
    answers, out = tmp_path / "answers.csv", tmp_path / "results"
    run("simulate", study, "--key", key_of(study), "--out", answers)
    found = run(
        "score", study, "--key", key_of(study), "--answers", answers, "--out", out,
        "--features", *tables,
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    rival = json.loads((out / "results.json").read_text())["classifier"]
    assert rival["cases"] == 24
    assert rival["classifier"]["auc"] > 0.95  # smoothing is plain to see in texture
    assert 0 <= rival["auc_p"] <= 1 and 0 <= rival["accuracy_p"] <= 1
    assert rival["auc_difference"] == pytest.approx(
        rival["readers"]["auc"] - rival["classifier"]["auc"]
    )


def test_score_takes_any_classifiers_csv_and_says_what_it_lacks(study, tmp_path):
    key = json.loads(key_of(study).read_text())
    rows = [
        {"truth": c["truth"], "nodule_id": c["nodule_id"], "score": float(c["truth"] == "real")}
        for c in key["cases"].values()
    ]
    table = pd.DataFrame(rows)
    table["score"] += np.linspace(0, 0.1, len(table))
    answers = tmp_path / "answers.csv"
    run("simulate", study, "--key", key_of(study), "--out", answers)
    table.to_csv(tmp_path / "all.csv", index=False)
    table.iloc[1:].to_csv(tmp_path / "short.csv", index=False)
    common = ["score", study, "--key", key_of(study), "--answers", answers]
    found = run(*common, "--out", tmp_path / "a", "--classifier", tmp_path / "all.csv", "--json")
    assert json.loads(found.output)["classifier"]["classifier"]["auc"] == 1.0
    found = run(*common, "--out", tmp_path / "b", "--classifier", tmp_path / "short.csv")
    assert found.exit_code == 1 and "is missing or lacks features" in found.output


def test_score_before_anybody_read_and_with_a_foreign_key_are_refused(study, sets, tmp_path):  # noqa: F811
    found = run("score", study, "--key", key_of(study), "--out", tmp_path / "r")
    assert found.exit_code == 1 and "serve the pack first, or give --answers" in found.output
    other = tmp_path / "other"
    run("pack", *sets, "--out", other, "--real", 4, "--synthetic", 4, "--no-series")
    found = run("score", study, "--key", f"{other}.key.json", "--out", tmp_path / "r")
    assert found.exit_code == 1 and "is the key of study" in found.output
    found = run("backup", study, "--out", tmp_path / "copy.sqlite")
    assert found.exit_code == 1 and "no such database" in found.output


def test_plan_prints_a_line_for_each_number_of_readers():
    found = run("plan", "--interval", 0.3, "--readers", "3,6", "--rounds", 20)
    assert found.exit_code == 0, found.output
    lines = found.output.splitlines()
    assert len(lines) == 3 and lines[1].split()[0] == "3"
    more, fewer = (int(line.split()[1]) for line in lines[1:])
    assert fewer < more
    found = run("plan", "--power", 0.8, "--readers", "4", "--rounds", 20, "--json")
    assert json.loads(found.output)["designs"][0]["power"] >= 0.8


def test_plan_needs_a_goal_and_numbers():
    assert "a width or a power" in run("plan").output
    assert run("plan", "--power", 0.8, "--readers", "few").exit_code == 2


def test_a_set_that_is_not_marked_synthetic_is_refused_in_one_line(sets, tmp_path):  # noqa: F811
    found = run("pack", sets[0], sets[0], "--out", tmp_path / "out")
    assert found.exit_code == 1
    assert found.output.startswith("Error: ") and found.output.count("\n") == 1
    assert "is not marked synthetic" in found.output


def test_real_and_smoothed_lidc_nodules_make_the_papers_study(lidc, tmp_path):
    parts = lidc.select("mean").split(seed=1, fractions=(0.5, 0.0, 0.5))
    real, synthetic = tmp_path / "real.h5", tmp_path / "synthetic.h5"
    nodules.write(parts["train"], real)
    nodules.write(smoothed(parts["test"]), synthetic)
    out = tmp_path / "study"
    found = run("pack", real, synthetic, "--out", out, "--seed", 3)
    assert found.exit_code == 0, found.output
    assert "Packed 100 cases in 4 batches" in found.output
    assert "Warning" not in found.output
    run("simulate", out, "--key", f"{out}.key.json", "--out", tmp_path / "answers.csv")
    found = run(
        "score", out, "--key", f"{out}.key.json", "--answers", tmp_path / "answers.csv",
        "--out", tmp_path / "results",
    )  # fmt: skip
    assert "100 readings of 100 cases" in found.output
    pooled = json.loads(pathlib.Path(tmp_path / "results" / "results.json").read_text())["pooled"]
    assert pooled["auc"]["delong"] is not None  # each case was read once
