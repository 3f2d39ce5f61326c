import numpy as np
import pydicom
import pytest

from ggngan_tf import errors
from ggngan_tf.data import dicom
from ggngan_tf.data.dicom import series as series_module
from tests import conftest
from tests.data.dicom import synthetic


def test_a_new_series_reads_back_as_the_volume_it_was_made_of(tmp_path):
    hu = synthetic.volume()
    synthetic.series(tmp_path / "ct", hu)
    series = dicom.read_series(tmp_path / "ct")
    np.testing.assert_array_equal(series.volume, hu)
    assert series.volume.dtype == np.int16
    assert series.pixel_spacing == (0.5, 0.75)
    assert series.slice_spacing == pytest.approx(2.0)
    # 32 columns of 0.75 mm and 24 rows of 0.5 mm about the origin; 4 slices of 2 mm
    np.testing.assert_allclose(series.positions[0], [-11.625, -5.75, -3.0])
    np.testing.assert_allclose(np.diff(series.positions, axis=0), [[0, 0, 2]] * 3)


def test_slices_are_ordered_by_position_and_not_by_file_name(tmp_path):
    hu = synthetic.volume()
    paths = synthetic.series(tmp_path / "ct", hu)
    for new, path in zip("dbca", paths, strict=True):
        path.rename(path.with_name(f"{new}.dcm"))
    series = dicom.read_series(tmp_path / "ct")
    np.testing.assert_array_equal(series.volume, hu)
    assert [path.stem for path in series.paths] == list("dbca")


def test_slices_may_be_given_in_any_order(tmp_path):
    paths = synthetic.series(tmp_path / "ct")
    series = dicom.read_slices([paths[i] for i in (2, 0, 3, 1)])
    np.testing.assert_array_equal(series.volume, synthetic.volume())
    assert list(series.paths) == paths


def test_slices_of_two_series_are_refused(tmp_path):
    paths = synthetic.series(tmp_path / "a") + synthetic.series(tmp_path / "b", seed=2)
    with pytest.raises(errors.DicomError, match="files are of 2 series; give the slices of one"):
        dicom.read_slices(paths)


def test_a_series_of_too_many_voxels_is_refused_before_its_pixels_are_read(tmp_path, monkeypatch):
    synthetic.series(tmp_path / "ct")
    monkeypatch.setattr(series_module, "MAX_VOXELS", 4 * 24 * 32 - 1)
    with pytest.raises(errors.DicomError, match="4 x 24 x 32 voxels, the limit is 3,071"):
        dicom.read_series(tmp_path / "ct")


def test_headers_are_kept_without_pixels(tmp_path):
    synthetic.series(tmp_path / "ct")
    series = dicom.read_series(tmp_path / "ct")
    assert not any("PixelData" in dataset for dataset in series.datasets)
    assert series.stored(0).dtype == np.uint16


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"hu": np.zeros((2, 3, 4))}, r"found float64 \(2, 3, 4\), needed is int16"),
        ({"hu": np.zeros((3, 4), np.int16)}, r"found int16 \(3, 4\)"),
        ({"slice_spacing": 0}, "needed are mm above 0"),
    ],
)
def test_a_volume_that_is_none_is_refused(tmp_path, changes, found):
    with pytest.raises(errors.DicomError, match=found):
        synthetic.series(tmp_path / "ct", **changes)
    assert not (tmp_path / "ct").exists()


def test_one_file_is_a_series_of_one_slice(tmp_path):
    paths = synthetic.series(tmp_path / "ct")
    series = dicom.read_series(paths[2])
    np.testing.assert_array_equal(series.volume, synthetic.volume()[2:3])
    assert series.slice_spacing is None


def test_two_series_in_one_folder_are_listed_and_one_must_be_named(tmp_path):
    synthetic.series(tmp_path / "one")
    synthetic.series(tmp_path / "two", synthetic.volume(3, seed=1))
    found = dicom.find_series(tmp_path)
    assert sorted(len(paths) for _, paths in found) == [3, 4]
    with pytest.raises(errors.DicomError, match=r"has 2 series.*with 3 slices.*name one"):
        dicom.read_series(tmp_path)
    for uid, paths in found:
        assert len(dicom.read_series(tmp_path, uid)) == len(paths)


def test_a_series_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    synthetic.series(tmp_path / "ct")
    with pytest.raises(errors.DicomError, match=r"no series 1\.2\.3; it has .* with 4 slices"):
        dicom.read_series(tmp_path, "1.2.3")


def test_equal_arguments_give_equal_bytes_and_another_seed_other_uids(tmp_path):
    first, second = (synthetic.series(tmp_path / name) for name in "ab")
    other = synthetic.series(tmp_path / "c", seed=2)
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    uids = [pydicom.dcmread(paths[0]).SeriesInstanceUID for paths in (first, other)]
    assert uids[0] != uids[1]


def test_a_whole_lidc_scan_reads_in_order():
    series = dicom.read_series(conftest.shared("lidc/dicom/LIDC-IDRI-0001"))
    assert series.volume.shape == (133, 512, 512)
    assert series.patient_id == "LIDC-IDRI-0001"
    np.testing.assert_allclose(np.diff(series.positions[:, 2]), 2.5)
    assert series.volume.min() == -1024  # the circle of -2000 is gone


def test_every_single_tcga_slice_reads():
    paths = sorted(conftest.shared("ct/tcga").glob("*.dcm"))
    assert len(paths) == 51
    for path in paths:
        series = dicom.read_series(path)
        assert series.volume.shape == (1, 512, 512)
        assert -1024 <= series.volume.min() < -900 and series.volume.max() > 200
