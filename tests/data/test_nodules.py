import h5py
import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import nodules
from tests.conftest import make_set


def test_what_is_written_is_read_back_the_same(small_set, tmp_path):
    nodules.write(small_set, tmp_path / "set.h5")
    back = nodules.read(tmp_path / "set.h5")
    for name in ("image", "mask", "roi_centre", "pixel_spacing", "texture", "patient_id"):
        np.testing.assert_array_equal(getattr(back, name), getattr(small_set, name))
    assert back.lung is None and back.slice_origin is None
    assert back.attributes == small_set.attributes and not back.synthetic


RATINGS = np.array(
    [
        [1, 2, 5, 5],  # two low, mean 3.25
        [2, 2, 2, 2],  # all low
        [1, 3, 0, 0],  # one low, mean 2
        [2, 5, 5, 0],  # one low, mean 4
        [3, 4, 0, 0],  # none low
        [0, 0, 0, 0],  # nobody rated
    ],
    np.int8,
)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("strict", [0, 1]), ("mean", [1, 2]), ("any", [0, 1, 2, 3]), ("none", [0, 1, 2, 3, 4, 5])],
)
def test_ground_glass_rules_pick_by_hand_worked_ratings(rule, expected):
    assert np.flatnonzero(nodules.ground_glass(RATINGS, rule)).tolist() == expected


def test_a_set_without_ground_glass_says_so():
    solid = make_set(3, texture=np.full((3, 4), 5, np.int8))
    with pytest.raises(errors.NoduleSetError, match="none of 3 nodules is ground glass by rule"):
        solid.select("mean")


def test_no_patient_is_in_two_parts_and_none_is_lost():
    patients = np.array([f"P{i // 3}" for i in range(90)])
    parts = make_set(90, size=15, patient_id=patients).split(seed=4)
    names = [set(part.patient_id) for part in parts.values()]
    assert not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2])
    assert sum(map(len, parts.values())) == 90
    assert len(parts["train"]) > len(parts["test"]) > 0


def test_a_patient_stays_in_its_part_when_the_set_grows():
    large = make_set(60, size=15)
    small = large.take(np.arange(30))
    small_parts, large_parts = small.split(1), large.split(1)
    for name in ("train", "validation", "test"):
        assert set(small_parts[name].patient_id) <= set(large_parts[name].patient_id)


def test_rows_of_nobody_cannot_be_split():
    nobody = make_set(2, patient_id=np.array(["", "P"]), series_uid=np.array(["", "1"]))
    with pytest.raises(errors.NoduleSetError, match="row 0: patient_id and series_uid are both"):
        nobody.split(0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mask": np.zeros((6, 71, 71), np.uint8)}, "mask, row 0: empty"),
        ({"mask": np.ones((6, 70, 71), np.uint8)}, r"mask has shape \(6, 70, 71\)"),
        ({"lung": np.ones((5, 71, 71), np.uint8)}, "lung has shape"),
        ({"roi_centre": np.full((6, 2), 71, np.int32)}, "roi_centre, row 0: found .71, 71."),
        ({"texture": np.full((6, 4), 6, np.int8)}, "texture, row 0: .*ratings 0 to 5"),
        ({"pixel_spacing": np.zeros((6, 2), np.float32)}, "pixel_spacing, row 0"),
        ({"nodule_id": np.zeros(3, np.int32)}, "nodule_id has shape"),
        ({"sop_uid": np.array(["x"])}, r"sop_uid has shape \(1,\)"),
    ],
)
def test_what_does_not_conform_is_named(changes, message):
    with pytest.raises(errors.NoduleSetError, match=message):
        make_set(6, **changes)


def test_a_file_that_is_not_hdf5_is_refused(tmp_path):
    (tmp_path / "set.h5").write_text("no")
    with pytest.raises(errors.NoduleSetError, match=r"set\.h5: cannot be read as HDF5"):
        nodules.read(tmp_path / "set.h5")


def change(file, name, value):
    if name in file:
        del file[name]
    if value is not None:
        file[name] = value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", None, "dataset image is missing"),
        ("image", np.zeros((6, 71, 71), np.float32), "dataset image is float32, needed is int16"),
        ("patient_id", None, "dataset patient_id is missing"),
        ("patient_id", np.zeros(6, np.int32), "dataset patient_id is int32, needed are strings"),
        ("image", np.zeros(6, np.int16), "dataset image has shape"),
    ],
)
def test_a_file_with_a_wrong_dataset_is_refused(small_set, tmp_path, name, value, message):
    path = tmp_path / "set.h5"
    nodules.write(small_set, path)
    with h5py.File(path, "a") as file:
        change(file, name, value)
    with pytest.raises(errors.NoduleSetError, match=message):
        nodules.read(path)


@pytest.mark.parametrize(("name", "value"), [("schema", "other/1"), ("intensity", "0-1")])
def test_a_file_of_another_kind_is_refused(small_set, tmp_path, name, value):
    path = tmp_path / "set.h5"
    nodules.write(small_set, path)
    with h5py.File(path, "a") as file:
        file.attrs[name] = value
    with pytest.raises(errors.NoduleSetError, match=f"attribute {name} is '{value}'"):
        nodules.read(path)


def test_an_empty_set_can_be_written(small_set, tmp_path):
    nodules.write(small_set.take(np.zeros(6, bool)), tmp_path / "set.h5")
    assert len(nodules.read(tmp_path / "set.h5")) == 0


def test_the_real_nodules_are_those_of_their_readme(lidc):
    counts = {rule: len(lidc.select(rule)) for rule in ("strict", "mean", "none")}
    assert counts == {"strict": 122, "mean": 209, "none": 2156}
    assert len(set(lidc.select("mean").patient_id)) == 128
    assert len(set(lidc.patients())) == 701
