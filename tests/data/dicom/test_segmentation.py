import highdicom
import numpy as np
import pydicom
import pytest

from ggngan_tf import errors
from ggngan_tf.data import dicom
from tests.data.dicom import synthetic


@pytest.fixture
def slices(tmp_path):
    return synthetic.series(tmp_path / "ct")


def masks() -> np.ndarray:
    masks = np.zeros((4, 24, 32), np.uint8)
    masks[1, 4:8, 5:9] = 1
    masks[2:4, 10:14, 20:24] = 2
    return masks


def shown(path, slices) -> np.ndarray:
    """Returns the labels that a SEG file gives to each pixel of the slices."""
    uids = [pydicom.dcmread(p).SOPInstanceUID for p in slices]
    segmentation = highdicom.seg.segread(path)
    return segmentation.get_pixels_by_source_instance(uids, combine_segments=True)


def test_each_nodule_is_a_segment_on_the_slices_that_show_it(slices, tmp_path):
    path = dicom.write_segmentation(slices, masks(), tmp_path / "seg.dcm", 3)
    found = highdicom.seg.segread(path)
    assert found.number_of_segments == 2
    np.testing.assert_array_equal(shown(path, slices), masks())
    segment = found.get_segment_description(1)
    assert segment.segmented_property_type.value == "27925004"
    assert segment.anatomic_regions[0].value == "39607008"
    assert segment.SegmentedPropertyTypeModifierCodeSequence[0].CodeValue == "112120"
    assert found.SyntheticData == "YES"


def test_the_same_seed_gives_the_same_bytes(slices, tmp_path):
    paths = [dicom.write_segmentation(slices, masks(), tmp_path / n, 3) for n in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_tilted_series_with_a_gap_can_be_marked(slices, tmp_path):
    for index, path in zip((0, 1, 3, 4), slices, strict=True):
        orientation = [1, 0, 0, 0, "0.939693", "0.342020"]
        position = [0, 0, 2.0 * index]
        synthetic.spoil(path, ImageOrientationPatient=orientation, ImagePositionPatient=position)
    path = dicom.write_segmentation(slices, masks(), tmp_path / "seg.dcm", 3)
    frames = pydicom.dcmread(path).PerFrameFunctionalGroupsSequence
    heights = [float(f.PlanePositionSequence[0].ImagePositionPatient[2]) for f in frames]
    assert sorted(heights) == [2, 6, 8]
    np.testing.assert_array_equal(shown(path, slices), masks())


def test_one_slice_can_be_marked(slices, tmp_path):
    path = dicom.write_segmentation(slices[1:2], masks()[1:2], tmp_path / "seg.dcm", 3)
    np.testing.assert_array_equal(pydicom.dcmread(path).pixel_array, masks()[1])


def test_labels_name_the_segments_and_must_be_as_many(slices, tmp_path):
    names = ["left apex", "right base"]
    path = dicom.write_segmentation(slices, masks(), tmp_path / "a.dcm", 3, labels=names)
    assert [s.SegmentLabel for s in pydicom.dcmread(path).SegmentSequence] == names
    with pytest.raises(errors.DicomError, match="1 labels for 2 segments"):
        dicom.write_segmentation(slices, masks(), tmp_path / "b.dcm", 3, labels=names[:1])


@pytest.mark.parametrize(
    ("spoiled", "found"),
    [
        (masks() * 0, "found segments"),
        (masks() * 2, r"found segments \[2, 4\]"),
        (masks()[:3], r"needed is uint8 \(4, 24, 32\)"),
        (masks().astype(int), r"found int64"),
    ],
)
def test_masks_that_are_empty_or_do_not_fit_are_refused(slices, tmp_path, spoiled, found):
    with pytest.raises(errors.DicomError, match=found):
        dicom.write_segmentation(slices, spoiled, tmp_path / "seg.dcm", 3)
    assert not (tmp_path / "seg.dcm").exists()
