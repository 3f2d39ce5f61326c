import csv
import json
import subprocess
import sys

import pytest
from click import testing

from ggngan_tf.cli import main
from ggngan_tf.data import nodules
from tests.data import volumes_made as made


def ggngan(*arguments):
    return testing.CliRunner().invoke(main.main, [str(a) for a in arguments])


@pytest.fixture
def cohort_csv(tmp_path_factory, tmp_path, monkeypatch):
    """Returns a cohort by the paper's words, and what the command printed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    out = tmp_path / "cohort.csv"
    return out, ggngan("cohort", "--rule", "strict", "--out", out)


def test_cohort_prints_the_flow_beside_the_papers_figures(cohort_csv):
    out, result = cohort_csv
    assert result.exit_code == 0
    lines = {" ".join(line.split()[:-2]): line.split()[-2:] for line in result.output.splitlines()}
    assert lines["strict"] == ["149", "92"] and lines["any"] == ["410", "239"]
    assert lines["as the paper reports"] == ["340", "216"]
    assert "2,651" in result.output and "1,018" in result.output
    with out.open() as file:
        assert len(list(csv.DictReader(file))) == 149


def test_cohort_gives_machines_json_and_overwrites_only_by_force(cohort_csv):
    out, _ = cohort_csv
    refused = ggngan("cohort", "--out", out)
    assert refused.exit_code == 1 and "exists already" in refused.stderr
    result = ggngan("cohort", "--out", out, "--force", "--rule", "any", "--json")
    told = json.loads(result.stdout)
    assert told["flow"][-1]["nodules"] == 410 and told["flow"][-1]["patients"] == 239
    assert told["rules"]["any"] == [410, 239] and told["paper"] == [340, 216]


def test_cohort_limits_are_named_when_nothing_is_left(cohort_csv, tmp_path):
    result = ggngan("cohort", "--out", tmp_path / "none.csv", "--min-diameter", "900")
    assert result.exit_code == 1 and "diameter >= 900 mm: 0 left" in result.stderr
    assert not (tmp_path / "none.csv").exists()


@pytest.fixture
def table(tmp_path):
    made.save(made.hu(), tmp_path / "ct.nii.gz")
    made.save(made.labels(), tmp_path / "mask.nrrd")
    lines = ["image,mask,patient_id", "ct.nii.gz,mask.nrrd,P1", "absent,mask.nrrd,P2"]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    return tmp_path / "table.csv"


def test_prepare_writes_a_set_and_lists_what_it_skipped(table):
    out = table.with_name("set.h5")
    options = ("--lung", "none", "--size", 64, "--jobs", 1, "--licence", "CC0")
    result = ggngan("prepare", table, "--out", out, *options)
    assert result.exit_code == 0, result.output
    assert f"Wrote {out}: 3 rows of 1 series; skipped 1, see" in result.output.replace("\n", "")
    found = nodules.read(out)
    assert found.image.shape == (3, 64, 64) and found.attributes["licence"] == "CC0"
    assert "no such file" in table.with_name("set.skipped.csv").read_text()


def test_prepare_gives_machines_json(table):
    out = table.with_name("set.h5")
    arguments = ("--lung", "none", "--slices", "largest", "--jobs", 1, "--json")
    told = json.loads(ggngan("prepare", table, "--out", out, *arguments).stdout)
    assert (told["rows"], told["series"], told["resumed"]) == (2, 1, 0)
    assert told["skipped"][0]["series"].endswith("absent")


def test_prepare_refuses_a_table_of_another_kind_in_one_line(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    result = ggngan("prepare", tmp_path / "table.csv", "--out", tmp_path / "set.h5")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1 and "column image is missing" in result.stderr


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from ggngan_tf.cli import main\n"
        "try: main.main(['prepare', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pydicom', 'SimpleITK', 'tensorflow', 'pandas'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--slices [all|largest]" in done.stdout
