import numpy as np
import pydicom
import pytest

from ggngan_tf import errors
from ggngan_tf.data import dicom, masks
from ggngan_tf.data.dicom import segments
from tests.data import volumes_made as made


@pytest.fixture
def files(tmp_path):
    return made.save_dicom(tmp_path / "series")


@pytest.fixture
def series(files):
    return dicom.read_series(files[0].parent)


@pytest.fixture
def seg(tmp_path, files):
    return dicom.write_segmentation(files, made.labels(), tmp_path / "mask.dcm", seed=1)


def full(mask):
    """Returns a mask on the whole volume."""
    volume = np.zeros(made.SHAPE, bool)
    top, left = mask.origin
    rows, columns = mask.pixels.shape[1:]
    for index, layer in zip(mask.slices, mask.pixels, strict=True):
        volume[index, top : top + rows, left : left + columns] = layer
    return volume


def marks(tmp_path, text):
    (tmp_path / "marks.csv").write_text(text)
    return tmp_path / "marks.csv"


def test_each_label_is_a_nodule():
    found = masks.split(made.labels())
    assert [label for label, _ in found] == [1, 2]
    for label, mask in found:
        np.testing.assert_array_equal(full(mask), made.labels() == label)


def test_the_parts_of_one_label_are_nodules_and_corners_connect():
    labels = (made.labels() == 1).astype(np.uint8)
    labels[4, 15, 28] = 1  # touches the block by a corner, one slice on
    labels[7, 0, 0] = 1
    found = masks.split(labels)
    assert [full(mask).sum() for _, mask in found] == [2 * 5 * 8 + 1, 1]
    assert found[0][1].slices.tolist() == [2, 3, 4] and found[1][1].origin == (0, 0)


def test_a_label_map_and_a_segmentation_give_the_same_masks(tmp_path, series, seg):
    from_map = masks.read(made.save(made.labels(), tmp_path / "mask.nii.gz"), series)
    from_seg = masks.read(seg, series)
    assert [label for label, _ in from_map] == [label for label, _ in from_seg] == [1, 2]
    for (_, one), (_, other) in zip(from_map, from_seg, strict=True):
        np.testing.assert_array_equal(full(one), full(other))


def test_one_segment_falls_into_its_parts(tmp_path, files, series):
    both = (made.labels() > 0).astype(np.uint8)
    path = dicom.write_segmentation(files, both, tmp_path / "one.dcm", seed=1)
    assert [full(mask).sum() for _, mask in masks.read(path, series)] == [80, 12]


def test_a_segmentation_without_names_of_slices_fits_by_place(tmp_path, series, seg):
    dataset = pydicom.dcmread(seg)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        del frame.DerivationImageSequence
    dataset.save_as(tmp_path / "bare.dcm")
    found = masks.read(tmp_path / "bare.dcm", series)
    assert [full(mask).sum() for _, mask in found] == [80, 12]


def test_a_fractional_segmentation_counts_from_one_half(tmp_path, series, seg):
    dataset = pydicom.dcmread(seg)
    frames = dataset.pixel_array
    dataset.SegmentationType, dataset.MaximumFractionalValue = "FRACTIONAL", 200
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    values = np.where(frames > 0, 100, 99).astype(np.uint8)
    dataset.PixelData = values.tobytes()
    dataset.save_as(tmp_path / "fractional.dcm")
    found = masks.read(tmp_path / "fractional.dcm", series)
    assert [full(mask).sum() for _, mask in found] == [80, 12]


def test_a_label_map_segmentation_may_hold_two_nodules_in_a_frame(tmp_path, series, seg):
    dataset = pydicom.dcmread(seg)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = segments._LABELMAP_CLASS
    dataset.SegmentationType = "LABELMAP"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    frames = np.zeros((3, *made.SHAPE[1:]), np.uint8)
    frames[0, 10:15, 20:28], frames[0, 30:33, 5:9] = 1, 7
    dataset.PixelData = frames.tobytes()
    dataset.save_as(tmp_path / "map.dcm")
    found = masks.read(tmp_path / "map.dcm", series)
    assert [(label, full(mask).sum()) for label, mask in found] == [(1, 40), (7, 12)]


def test_a_segmentation_of_another_series_is_refused(tmp_path, series, seg):
    dataset = pydicom.dcmread(seg)
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        frame.PlanePositionSequence[0].ImagePositionPatient[2] += 1.0
    dataset.save_as(tmp_path / "moved.dcm")
    with pytest.raises(errors.DicomError, match="where the image has no slice"):
        masks.read(tmp_path / "moved.dcm", series)


def test_what_is_no_segmentation_is_refused(tmp_path, files, series, seg):
    with pytest.raises(errors.DicomError, match="is not DICOM SEG"):
        masks.read(files[0], series)
    (tmp_path / "cut.dcm").write_bytes(seg.read_bytes()[:-700])
    with pytest.raises(errors.DicomError, match=r"export it again|is damaged"):
        masks.read(tmp_path / "cut.dcm", series)


def test_an_empty_mask_is_refused(tmp_path, series):
    path = made.save(made.labels() * 0, tmp_path / "mask.nrrd")
    with pytest.raises(errors.DicomError, match="marks no pixel"):
        masks.read(path, series)


def test_boxes_hold_their_first_and_last_pixels(tmp_path, series):
    text = "nodule,slice,top,left,bottom,right\n1,2,10,20,14,27\n1,3,10,20,14,27\n2,5,30,5,32,8\n"
    found = masks.read(marks(tmp_path, text), series)
    for label, mask in found:
        np.testing.assert_array_equal(full(mask), made.labels() == label)


@pytest.mark.parametrize("corners", ["1,1;1,4;3,4;3,1", "1,1;3,1;3,4;1,4"])
def test_an_outline_holds_the_pixels_on_it_either_way_round(tmp_path, series, corners):
    lines = "".join(f"4,104.0,{corner}\n" for corner in corners.split(";"))
    found = masks.read(marks(tmp_path, f"nodule,position,row,column\n{lines}"), series)
    ((label, mask),) = found
    expected = np.zeros(made.SHAPE, bool)
    expected[2, 1:4, 1:5] = True
    assert label == 4
    np.testing.assert_array_equal(full(mask), expected)


def test_slices_can_be_named_by_their_uid(tmp_path, series):
    text = f"nodule,sop_uid,top,left,bottom,right\n1,{series.sop_uids[6]},0,0,1,1\n"
    ((_, mask),) = masks.read(marks(tmp_path, text), series)
    assert mask.slices.tolist() == [6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has columns none; needed are nodule"),
        ("nodule,slice,row\n1,2,3\n", "has columns nodule, row, slice"),
        ("nodule,slice,row,column\n1,2,three,4\n", "line 2: could not convert"),
        ("nodule,slice,row,column\n1,8,3,4\n", "line 2: .*image has 0 to 7"),
        ("nodule,position,row,column\n1,300,3,4\n", "reaches from 100 to 114 mm"),
        ("nodule,sop_uid,row,column\n1,1.2.3,3,4\n", "no slice of sop_uid '1.2.3'"),
        ("nodule,slice,row,column\n1,2,3,48\n", "nodule 1 leaves slice 2 of 40 x 48"),
        ("nodule,slice,top,left,bottom,right\n1,2,5,5,4,6\n", "nodule 1 leaves slice 2"),
    ],
)
def test_marks_that_cannot_be_placed_are_refused(tmp_path, series, text, message):
    with pytest.raises(errors.DicomError, match=message):
        masks.read(marks(tmp_path, text), series)
