import pathlib

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from ggngan_tf import errors
from ggngan_tf.data import dicom
from tests import conftest
from tests.data.dicom import synthetic


def edit(series: dicom.Series, index: int = 1) -> dict[int, np.ndarray]:
    hu = series.volume[index].copy()
    hu[4:10, 5:12] = -450
    return {index: hu}


@pytest.fixture
def source(tmp_path) -> dicom.Series:
    synthetic.series(tmp_path / "ct")
    return dicom.read_series(tmp_path / "ct")


def test_only_the_edited_pixels_change(source, tmp_path):
    dicom.write_series(source, edit(source), tmp_path / "out", seed=7)
    written = dicom.read_series(tmp_path / "out")
    expected = source.volume.copy()
    expected[1, 4:10, 5:12] = -450
    np.testing.assert_array_equal(written.volume, expected)


def test_untouched_pixels_keep_their_stored_bits(tmp_path):
    source = dicom.read_series(conftest.shared("lidc/dicom/LIDC-IDRI-0003"))
    dicom.write_series(source, edit(source), tmp_path / "out", seed=7)
    written = dicom.read_series(tmp_path / "out")
    for index in range(len(source)):
        before, after = source.stored(index).copy(), written.stored(index)
        if index == 1:
            before[4:10, 5:12] = after[4:10, 5:12]
        np.testing.assert_array_equal(before, after)
    assert (
        source.stored(0).min() == written.stored(0).min() == -1024
    )  # -2048 HU: the padding circle


def test_the_same_seed_gives_the_same_bytes(source, tmp_path):
    runs = [dicom.write_series(source, edit(source), tmp_path / n, seed=7) for n in "ab"]
    assert [p.read_bytes() for p in runs[0]] == [p.read_bytes() for p in runs[1]]


@pytest.mark.parametrize("change", ["seed", "edit"])
def test_another_seed_or_another_edit_gives_other_uids(source, tmp_path, change):
    first = dicom.write_series(source, edit(source), tmp_path / "a", seed=7)
    edits = edit(source, 2 if change == "edit" else 1)
    second = dicom.write_series(source, edits, tmp_path / "b", seed=8 if change == "seed" else 7)
    uids = [[pydicom.dcmread(p).SOPInstanceUID for p in paths] for paths in (first, second)]
    assert not set(uids[0]) & set(uids[1])


def test_a_derived_slice_says_what_it_is_and_where_it_comes_from(source, tmp_path):
    paths = dicom.write_series(source, edit(source), tmp_path / "out", seed=7, description="Haze")
    for index, path in enumerate(paths):
        before, after = source.datasets[index], pydicom.dcmread(path)
        assert list(after.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
        assert after.SyntheticData == "YES"
        assert after.DerivationDescription.startswith("Haze")
        assert ("unchanged" in after.DerivationDescription) == (index != 1)
        assert after.SourceImageSequence[0].ReferencedSOPInstanceUID == before.SOPInstanceUID
        for name in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PixelSpacing"):
            assert after[name].value == before[name].value
        assert after.SeriesInstanceUID != before.SeriesInstanceUID
        assert after.SOPInstanceUID == after.file_meta.MediaStorageSOPInstanceUID
        assert (after.RescaleSlope, after.RescaleIntercept) == (1, -1024)


def test_simpleitk_reads_the_geometry_and_the_hu_unchanged(source, tmp_path):
    dicom.write_series(source, edit(source), tmp_path / "out", seed=7)
    written = dicom.read_series(tmp_path / "out")
    before, after = (sitk.ReadImage([str(p) for p in s.paths]) for s in (source, written))
    assert after.GetSpacing() == pytest.approx((0.75, 0.5, 2.0))
    assert after.GetOrigin() == before.GetOrigin()
    assert after.GetDirection() == before.GetDirection()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(after), written.volume)


def test_an_edit_goes_back_through_slope_and_intercept_and_saturates(tmp_path):
    paths = synthetic.series(tmp_path / "ct")
    for path in paths:
        synthetic.spoil(path, RescaleSlope="2", RescaleIntercept="-1000", BitsStored=11)
    for path in paths:
        synthetic.spoil(path, HighBit=10)
    source = dicom.read_series(tmp_path / "ct")
    hu = source.volume[0].copy()
    hu[0, :3] = -1024, 501, 3071  # (hu + 1000) / 2 is -12, 750.5 and 2035.5
    hu[0, :3] += hu[0, :3] == source.volume[0, 0, :3]
    written = dicom.write_series(source, {0: hu}, tmp_path / "out", seed=0)
    stored = pydicom.dcmread(written[0]).pixel_array[0, :3]
    assert stored[0] == 0 and stored[1] in (750, 751) and stored[2] == 2036


def test_a_description_may_be_in_any_script(tmp_path):
    for path in synthetic.series(tmp_path / "ct"):
        synthetic.spoil(path, SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Änne")
    source = dicom.read_series(tmp_path / "ct")
    path = dicom.write_series(source, {}, tmp_path / "out", seed=0, description="磨玻璃结节")[0]
    dataset = pydicom.dcmread(path)
    assert dataset.DerivationDescription.startswith("磨玻璃结节")
    assert str(dataset.PatientName) == "Müller^Änne"


def test_what_a_lossy_codec_lost_is_said(tmp_path):
    path = synthetic.series(tmp_path / "ct", synthetic.volume(1, 64, 72))[0]
    dataset = pydicom.dcmread(path)
    dataset.compress(pydicom.uid.JPEGLSNearLossless, jls_error=3)
    dataset.save_as(path)
    source = dicom.read_series(path)
    assert 0 < np.abs(source.volume - synthetic.volume(1, 64, 72)).max() <= 3
    written = dicom.write_series(source, {}, tmp_path / "out", seed=0)
    assert pydicom.dcmread(written[0]).LossyImageCompression == "01"
    np.testing.assert_array_equal(dicom.read_series(written[0]).volume, source.volume)


def test_simpleitk_reads_the_same_place_of_a_real_scan(tmp_path):
    source = dicom.read_series(conftest.shared("lidc/dicom/LIDC-IDRI-0003"))
    paths = dicom.write_series(source, edit(source), tmp_path / "out", seed=7)
    before, after = (sitk.ReadImage([str(p) for p in group]) for group in (source.paths, paths))
    for get in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(after, get)() == getattr(before, get)()


@pytest.mark.parametrize("hu", [np.zeros((4, 4), np.int16), np.zeros((24, 32), np.float32)])
def test_an_edit_of_another_shape_or_type_is_refused(source, tmp_path, hu):
    with pytest.raises(errors.DicomError, match=r"edited slice 0: .* needed is int16 \(24, 32\)"):
        dicom.write_series(source, {0: hu}, tmp_path / "out", seed=0)


def test_an_edit_of_a_slice_that_is_not_there_is_refused(source, tmp_path):
    with pytest.raises(errors.DicomError, match="edited slice 4: the series has 4 slices"):
        dicom.write_series(source, {4: source.volume[0]}, tmp_path / "out", seed=0)


def test_what_is_there_stays_unless_forced(source, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(errors.OutputError, match="exists already"):
        dicom.write_series(source, {}, tmp_path / "out", seed=0)
    dicom.write_series(source, {}, tmp_path / "out", seed=0, force=True)
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_a_full_disk_leaves_nothing_half_written(source, tmp_path, monkeypatch):
    real = pathlib.Path.write_bytes

    def write_bytes(path, content):
        if path.name == "IM0003.dcm":
            raise OSError(28, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(pathlib.Path, "write_bytes", write_bytes)
    with pytest.raises(errors.OutputError, match="No space left on device"):
        dicom.write_series(source, edit(source), tmp_path / "out", seed=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ct"]


def test_a_source_that_changed_leaves_nothing_half_written(source, tmp_path):
    source.paths[3].write_bytes(source.paths[0].read_bytes())
    with pytest.raises(errors.DicomError, match="has changed since"):
        dicom.write_series(source, edit(source), tmp_path / "out", seed=0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ct"]
