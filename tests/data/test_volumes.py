import numpy as np
import pytest
import SimpleITK as sitk

from ggngan_tf import errors
from ggngan_tf.data import dicom, volumes
from tests.data import volumes_made as made


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nrrd", "ct.mha", "ct.mhd"])
def test_every_format_gives_the_same_volume(tmp_path, name):
    found = volumes.read(made.save(made.hu(), tmp_path / name))
    np.testing.assert_array_equal(found.volume, made.hu())
    np.testing.assert_allclose(found.pixel_spacing, (0.7, 0.8), rtol=1e-6)
    np.testing.assert_allclose(found.positions[[0, -1]], [(-20, -30, 100), (-20, -30, 114)])
    np.testing.assert_allclose(found.orientation, (1, 0, 0, 0, 1, 0), atol=1e-6)
    assert found.slice_spacing == pytest.approx(2.0) and len(found.sop_uids) == 8


@pytest.mark.parametrize("axes", ["RAS", "LAI", "SPL"])
def test_a_volume_stored_along_other_axes_is_turned_back(tmp_path, axes):
    turned = sitk.DICOMOrient(made.image(made.hu()), axes)
    sitk.WriteImage(turned, str(tmp_path / "ct.nrrd"))
    found = volumes.read(tmp_path / "ct.nrrd")
    np.testing.assert_array_equal(found.volume, made.hu())
    np.testing.assert_allclose(found.positions[0], made.ORIGIN, atol=1e-4)


def test_a_dicom_series_and_its_nifti_lie_at_the_same_place(tmp_path):
    made.save_dicom(tmp_path / "series")
    series = dicom.read_series(tmp_path / "series")
    volume = volumes.read(made.save(made.hu(), tmp_path / "ct.nii"))
    np.testing.assert_array_equal(series.volume, volume.volume)
    np.testing.assert_allclose(series.positions, volume.positions, atol=1e-4)


def test_fractions_of_hu_are_rounded_and_gaps_become_air(tmp_path):
    values = made.hu().astype(np.float64)
    values[0, 0, :4] = (np.nan, 10.6, 1e9, -1e9)
    found = volumes.read(made.save(values, tmp_path / "ct.nrrd"))
    assert found.volume[0, 0, :4].tolist() == [-1024, 11, 3071, -1024]


def test_values_that_are_not_hu_are_refused(tmp_path):
    path = made.save((made.hu() + 1024).astype(np.int16), tmp_path / "ct.nrrd")
    with pytest.raises(errors.DicomError, match="are not HU"):
        volumes.read(path)


def test_a_volume_far_from_axial_is_refused(tmp_path):
    image = made.image(made.hu())
    turn = sitk.Euler3DTransform((0, 0, 0), np.radians(35.0), 0.0, 0.0)
    image.SetDirection(turn.GetMatrix())
    sitk.WriteImage(image, str(tmp_path / "ct.nrrd"))
    with pytest.raises(errors.DicomError, match="35 degrees off the axial plane"):
        volumes.read(tmp_path / "ct.nrrd")


def test_what_is_no_volume_is_refused(tmp_path):
    (tmp_path / "no.nii").write_bytes(b"not an image" * 100)
    sitk.WriteImage(sitk.Image([4, 4], sitk.sitkInt16), str(tmp_path / "flat.nrrd"))
    cases = {"no.nii": "cannot be read as an image", "flat.nrrd": "2 dimensions", "none.mha": "no"}
    for name, message in cases.items():
        with pytest.raises(errors.DicomError, match=message):
            volumes.read(tmp_path / name)


@pytest.fixture
def series(tmp_path):
    made.save_dicom(tmp_path / "series")
    return dicom.read_series(tmp_path / "series")


def test_labels_on_the_same_grid_stay_as_they_are(tmp_path, series):
    path = made.save(made.labels(), tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(volumes.labels_on(path, series), made.labels())


def test_labels_on_a_finer_grid_take_the_nearest(tmp_path, series):
    fine = made.labels().repeat(2, axis=1).repeat(2, axis=2)
    spacing, origin = (2.0, 0.35, 0.4), (-20.2, -30.175, 100.0)  # a quarter pixel up and left
    path = made.save(fine, tmp_path / "mask.nrrd", spacing=spacing, origin=origin)
    np.testing.assert_array_equal(volumes.labels_on(path, series), made.labels())


def test_a_mask_of_a_part_of_the_image_keeps_its_place(tmp_path, series):
    part = made.labels()[1:7, 8:36, 4:30]
    origin = (-20 + 4 * 0.8, -30 + 8 * 0.7, 102.0)
    path = made.save(part, tmp_path / "mask.nrrd", origin=origin)
    np.testing.assert_array_equal(volumes.labels_on(path, series), made.labels())


def test_a_mask_that_lost_its_geometry_is_refused_with_both(tmp_path, series):
    path = made.save(made.labels(), tmp_path / "mask.nii", spacing=(1, 1, 1), origin=(0, 0, 0))
    with pytest.raises(errors.DicomError, match=r"another geometry .*origin \(0.0, .*the image"):
        volumes.labels_on(path, series)


def test_a_mask_that_reaches_out_of_the_image_is_refused(tmp_path, series):
    path = made.save(made.labels()[:-1], tmp_path / "mask.nii", origin=(-20, -30, 112))
    with pytest.raises(errors.DicomError, match="labels lie outside the image"):
        volumes.labels_on(path, series)


def test_probabilities_are_no_labels(tmp_path, series):
    path = made.save(made.labels() * np.float32(0.5), tmp_path / "mask.nrrd")
    with pytest.raises(errors.DicomError, match="are no labels"):
        volumes.labels_on(path, series)
