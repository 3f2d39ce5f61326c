import csv

import numpy as np
import pytest
from click.testing import CliRunner

from ggngan_tf.cli import main
from ggngan_tf.data import dicom, nodules, phantom
from tests.conftest import make_set, shared
from tests.synthesis.conftest import model_folder, run_folder  # noqa: F401


def run(*arguments):
    return CliRunner().invoke(main.main, [str(a) for a in arguments])


def refused(*arguments):
    done = run(*arguments)
    assert done.exit_code == 1, done.output
    assert done.output.count("\n") == 1 and "Traceback" not in done.output
    return done.output


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan") / "ct"
    phantom.write(phantom.make(5, slices=5, nodules=0), folder, 5)
    return folder


def test_a_set_is_painted_anew(model_folder, tmp_path):  # noqa: F811
    nodules.write(make_set(3), tmp_path / "set.h5")
    done = run("generate", tmp_path / "set.h5", "--model", model_folder, "--out", tmp_path / "s.h5")
    assert done.exit_code == 0, done.output
    assert nodules.read(tmp_path / "s.h5").synthetic


def test_a_series_gets_nodules_and_nothing_else_changes(scan, model_folder, tmp_path):  # noqa: F811
    out = tmp_path / "out"
    done = run("generate", scan, "--model", model_folder, "--count", 2, "--seed", 7, "--out", out)
    assert done.exit_code == 0, done.output
    source, result = dicom.read_series(scan), dicom.read_series(out / "series")
    rows = list(csv.DictReader((out / "manifest.csv").open()))
    edited = {int(row["slice"]) for row in rows}
    assert len(rows) == 2
    for i in range(len(source)):
        changed = source.stored(i) != result.stored(i)
        painted = sum(int(r["painted_pixels"]) for r in rows if int(r["slice"]) == i)
        assert changed.any() == (i in edited) and changed.sum() <= painted
    assert (out / "masks.dcm").exists() and (out / "preview.png").stat().st_size > 10_000
    first = result.datasets[0]
    assert (first.SyntheticData, first.ImageType[0]) == ("YES", "DERIVED")
    assert result.series_uid != source.series_uid and result.patient_id == source.patient_id


def test_the_same_seed_gives_the_same_bytes(scan, model_folder, tmp_path):  # noqa: F811
    for name in ("a", "b"):
        out = tmp_path / name
        done = run("generate", scan, "--model", model_folder, "--seed", 3, "--out", out)
        assert done.exit_code == 0, done.output
    kept = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    assert len(kept) == 5 + 3  # slices; masks, manifest, preview
    for name in kept:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_deidentified_output_names_no_source(scan, model_folder, tmp_path):  # noqa: F811
    out = tmp_path / "out"
    done = run("generate", scan, "--model", model_folder, "--deidentify", "--out", out)
    assert done.exit_code == 0, done.output
    assert dicom.read_series(out / "series").patient_id != dicom.read_series(scan).patient_id
    assert all(row["source"] == "" for row in csv.DictReader((out / "manifest.csv").open()))


def test_sites_of_a_table_are_taken(scan, model_folder, tmp_path):  # noqa: F811
    series = dicom.read_series(scan)
    from ggngan_tf.synthesis import insert

    lung = insert.find_lung(series)
    site = insert.choose_sites(series, lung, 1, None, 8.0, 1)[0]
    table = tmp_path / "sites.csv"
    table.write_text(f"slice,row,column,diameter_mm\n{site.slice},{site.row},{site.column},8\n")
    out = tmp_path / "out"
    done = run("generate", scan, "--model", model_folder, "--sites", table, "--out", out)
    assert done.exit_code == 0, done.output
    row = next(csv.DictReader((out / "manifest.csv").open()))
    found = [int(row[name]) for name in ("slice", "row", "column")]
    assert found == [site.slice, site.row, site.column]


def test_out_that_exists_is_refused_before_any_work(model_folder, tmp_path):  # noqa: F811
    nodules.write(make_set(2), tmp_path / "set.h5")
    (tmp_path / "s.h5").write_text("mine")
    said = refused(
        "generate", tmp_path / "set.h5", "--model", model_folder, "--out", tmp_path / "s.h5"
    )
    assert "exists already" in said and (tmp_path / "s.h5").read_text() == "mine"


def test_a_set_that_is_none_is_refused(tmp_path):
    (tmp_path / "set.h5").write_text("no")
    said = refused("generate", tmp_path / "set.h5", "--out", tmp_path / "s.h5")
    assert "cannot be read as HDF5" in said


def test_a_folder_without_ct_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no")
    assert "no axial CT" in refused("generate", tmp_path / "in", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_input_is_checked_before_a_model_is_loaded(tmp_path, monkeypatch):
    from ggngan_tf.synthesis import saved

    monkeypatch.setattr(saved, "load", lambda *_, **__: pytest.fail("loaded"))
    (tmp_path / "set.h5").write_text("no")
    (tmp_path / "in").mkdir()
    said = [refused("generate", tmp_path / i, "--out", tmp_path / "out") for i in ("set.h5", "in")]
    assert "cannot be read as HDF5" in said[0] and "no axial CT" in said[1]


def test_a_model_is_checked_before_the_input_is_read(tmp_path):
    for name in ("in", "model"):
        (tmp_path / name).mkdir()
    said = refused("generate", tmp_path / "in", "--model", tmp_path / "model", "--out", "out")
    assert "holds no SavedModel" in said


def test_a_scan_without_lung_is_refused(tmp_path):
    water = np.zeros((1, 256, 256), np.int16)
    dicom.new_series(water, (1.0, 1.0), 2.0, tmp_path / "ct", seed=1, patient_id="WATER")
    assert "lung" in refused("generate", tmp_path / "ct", "--out", tmp_path / "out")


def test_an_input_that_is_not_there_is_a_usage_error(tmp_path):
    done = run("generate", tmp_path / "none", "--out", tmp_path / "out")
    assert done.exit_code == 2 and "does not exist" in done.output


def test_a_model_that_is_not_ours_is_refused(tmp_path):
    nodules.write(make_set(2), tmp_path / "set.h5")
    (tmp_path / "model").mkdir()
    said = refused(
        "generate", tmp_path / "set.h5", "--model", tmp_path / "model", "--out", tmp_path / "o.h5"
    )
    assert "holds no SavedModel" in said


def test_real_slices_and_a_real_scan_get_nodules_in_the_lung(tmp_path):
    slice_ = shared("ct/tcga") / "ID_0000_AGE_0060_CONTRAST_1_CT.dcm"
    for i, source in enumerate([slice_, shared("lidc/dicom/LIDC-IDRI-0001")]):
        out = tmp_path / str(i)
        done = run("generate", source, "--count", 3, "--seed", 7, "--out", out)
        assert done.exit_code == 0, done.output
        rows = list(csv.DictReader((out / "manifest.csv").open()))
        assert len(rows) == 3
        before, after = (
            np.array([float(row[name]) for row in rows])
            for name in ("mean_hu_before", "mean_hu_after")
        )
        # Healthy lung before, hazier after; of real ones 1 in 20 is less than 50 HU above its lung.
        assert ((before > -960) & (before < -650)).all()
        assert (after - before).min() > 30 and (after - before).max() > 60
        assert len(dicom.read_series(out / "series")) == len(dicom.read_series(source))
