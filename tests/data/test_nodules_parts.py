import h5py
import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import nodules
from tests import conftest


def test_parts_become_one_set_in_their_order(tmp_path):
    parts = [conftest.make_set(rows=2, seed=1), conftest.make_set(rows=3, seed=2)]
    assert nodules.write_parts(iter(parts), tmp_path / "set.h5", {"licence": "CC0"}) == 5
    found = nodules.read(tmp_path / "set.h5")
    assert found.attributes == {"licence": "CC0"}
    for name in ("image", "mask", "roi_centre", "pixel_spacing", "texture", "series_uid"):
        expected = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(getattr(found, name), expected)
    with h5py.File(tmp_path / "set.h5") as file:
        assert file["image"].chunks == (1, 71, 71) and file["image"].compression == "gzip"


def test_ratings_of_more_readers_widen_the_table(tmp_path):
    narrow = conftest.make_set(rows=1)
    wide = {n: np.full((1, 6), 2, np.int8) for n in ("texture", "malignancy", "subtlety")}
    nodules.write_parts([narrow, conftest.make_set(rows=1, **wide)], tmp_path / "set.h5")
    found = nodules.read(tmp_path / "set.h5")
    assert found.texture.tolist() == [[1, 2, 0, 0, 0, 0], [2] * 6]


def test_a_part_of_another_size_ends_the_writing_and_leaves_no_file(tmp_path):
    parts = [conftest.make_set(rows=1), conftest.make_set(rows=1, size=64)]
    with pytest.raises(errors.NoduleSetError, match=r"row 1: image has shape \(64, 64\)"):
        nodules.write_parts(parts, tmp_path / "set.h5")
    assert not list(tmp_path.iterdir())


def test_a_lung_in_one_part_only_is_refused(tmp_path):
    bare = conftest.make_set(rows=1)
    with_lung = conftest.make_set(rows=1, lung=np.ones_like(bare.mask))
    with pytest.raises(errors.NoduleSetError, match="row 1: has lung, earlier rows have none"):
        nodules.write_parts([bare, with_lung], tmp_path / "set.h5")
    with pytest.raises(errors.NoduleSetError, match="row 1: has no lung, earlier rows have"):
        nodules.write_parts([with_lung, bare], tmp_path / "set.h5")


def test_no_parts_are_no_set(tmp_path):
    with pytest.raises(errors.NoduleSetError, match="no nodules to write"):
        nodules.write_parts([], tmp_path / "set.h5")
