import h5py
import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import nodules
from tests import conftest


def written(folder, *sets):
    """Returns the files of so many sets."""
    paths = [folder / f"part{i}.h5" for i in range(len(sets))]
    for path, one in zip(paths, sets, strict=True):
        nodules.write(one, path)
    return paths


def test_parts_become_one_set_in_their_order(tmp_path):
    parts = [conftest.make_set(rows=2, seed=1), conftest.make_set(rows=3, seed=2)]
    paths = written(tmp_path, *parts)
    assert nodules.join(paths, tmp_path / "set.h5", {"licence": "CC0"}) == 5
    found = nodules.read(tmp_path / "set.h5")
    assert found.attributes == {"licence": "CC0"}
    for name in ("image", "mask", "roi_centre", "pixel_spacing", "texture", "series_uid"):
        expected = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(getattr(found, name), expected)
    with h5py.File(tmp_path / "set.h5") as file:
        assert file["image"].chunks == (1, 71, 71) and file["image"].compression == "gzip"


def test_parts_that_are_packed_otherwise_are_packed_anew(tmp_path):
    part = conftest.make_set(rows=2)
    (path,) = written(tmp_path, part)
    with h5py.File(path, "r+") as file:
        pixels = file["image"][...]
        del file["image"]
        file["image"] = pixels
    nodules.join([path], tmp_path / "set.h5", {})
    np.testing.assert_array_equal(nodules.read(tmp_path / "set.h5").image, part.image)


def test_ratings_of_more_readers_widen_the_table(tmp_path):
    wide = {n: np.full((1, 6), 2, np.int8) for n in ("texture", "malignancy", "subtlety")}
    parts = [conftest.make_set(rows=1), conftest.make_set(rows=1, **wide)]
    for order, expected in (
        (parts, [[1, 2, 0, 0, 0, 0], [2] * 6]),
        (parts[::-1], [[2] * 6, [1, 2, 0, 0, 0, 0]]),
    ):
        nodules.join(written(tmp_path, *order), tmp_path / "set.h5", {})
        assert nodules.read(tmp_path / "set.h5").texture.tolist() == expected


def test_renumbered_nodules_count_through_all_parts(tmp_path):
    numbers = [[7, 7, 3], [7, 9, 9]]
    parts = [conftest.make_set(rows=3, nodule_id=np.array(n, np.int32)) for n in numbers]
    nodules.join(written(tmp_path, *parts), tmp_path / "set.h5", {}, renumber=True)
    assert nodules.read(tmp_path / "set.h5").nodule_id.tolist() == [2, 2, 1, 3, 4, 4]


def test_a_part_of_another_size_ends_the_writing_and_leaves_no_file(tmp_path):
    paths = written(tmp_path, conftest.make_set(rows=1), conftest.make_set(rows=1, size=64))
    message = r"part1.h5: image has shape \(1, 64, 64\), needed is \(rows, 71, 71\)"
    with pytest.raises(errors.NoduleSetError, match=message):
        nodules.join(paths, tmp_path / "set.h5", {})
    assert sorted(tmp_path.iterdir()) == paths


def test_a_lung_in_one_part_only_is_refused(tmp_path):
    bare = conftest.make_set(rows=1)
    with_lung = conftest.make_set(rows=1, lung=np.ones_like(bare.mask))
    with pytest.raises(errors.NoduleSetError, match="has a lung, unlike the sets before it"):
        nodules.join(written(tmp_path, bare, with_lung), tmp_path / "set.h5", {})
    with pytest.raises(errors.NoduleSetError, match="has no lung, unlike the sets before it"):
        nodules.join(written(tmp_path, with_lung, bare), tmp_path / "set.h5", {})


def test_a_part_that_is_damaged_is_named(tmp_path):
    (path,) = written(tmp_path, conftest.make_set(rows=1))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(errors.NoduleSetError, match=r"part0.h5: cannot be read as HDF5"):
        nodules.join([path], tmp_path / "set.h5", {})


def test_no_parts_are_no_set(tmp_path):
    with pytest.raises(errors.NoduleSetError, match="no nodules to write"):
        nodules.join([], tmp_path / "set.h5", {})
