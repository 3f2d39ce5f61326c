import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import dicom, image_table, nodules, prepare, rows
from tests.data import volumes_made as made

SETTINGS = rows.Settings(lung="none", size=64)


@pytest.fixture
def folder(tmp_path):
    """Returns a folder with a DICOM series, a NIfTI volume, and a mask of each kind."""
    files = made.save_dicom(tmp_path / "series")
    dicom.write_segmentation(files, made.labels(), tmp_path / "seg.dcm", seed=1)
    made.save(made.hu(), tmp_path / "ct.nii.gz")
    made.save(made.labels(), tmp_path / "mask.nrrd")
    return tmp_path


def table(folder, *lines, columns="image,mask,patient_id"):
    (folder / "table.csv").write_text("\n".join([columns, *lines]) + "\n")
    return folder / "table.csv"


def test_dicom_and_nifti_of_one_scan_give_the_same_rows(folder):
    path = table(folder, "series,seg.dcm,", "ct.nii.gz,mask.nrrd,P1")
    result = prepare.from_table(path, folder / "set.h5", SETTINGS, licence="CC0")
    found = nodules.read(folder / "set.h5")
    assert result.rows == 6 and result.series == 2 and not result.skipped
    assert found.patient_id.tolist() == ["P1"] * 6 and found.attributes["licence"] == "CC0"
    np.testing.assert_array_equal(found.image[:3], found.image[3:])
    np.testing.assert_array_equal(found.mask[:3], found.mask[3:])
    assert found.nodule_id.tolist() == [1, 1, 2, 3, 3, 4]
    np.testing.assert_allclose(found.pixel_spacing, np.tile((0.7, 0.8), (6, 1)), rtol=1e-6)


def test_items_come_in_the_order_of_the_table_one_an_image(folder):
    path = table(folder, "z,a.nrrd,P1", "a,b.nrrd,P2", "z,c.nrrd,P1")
    items = image_table.read(path, SETTINGS)
    assert [item.image.name for item in items] == ["z", "a"]
    assert [line.mask.name for line in items[0].lines] == ["a.nrrd", "c.nrrd"]


def test_a_slice_smaller_than_the_set_lies_in_the_middle_of_air(folder):
    prepare.from_table(table(folder, "ct.nii.gz,mask.nrrd,P1"), folder / "set.h5", SETTINGS)
    found = nodules.read(folder / "set.h5")
    assert found.slice_origin.tolist() == [[-12, -8]] * 3
    np.testing.assert_array_equal(found.image[0, 12:52, 8:56], made.hu()[2])
    assert np.all(found.image[:, :12] == -1024)
    assert found.roi_centre[0].tolist() == [12 + 12, 8 + 23]


def test_ratings_and_labels_come_from_the_table(folder):
    path = table(
        folder,
        "ct.nii.gz,mask.nrrd,P1,2,1;2;2,4",
        "ct.nii.gz,mask.nrrd,P1,1,3,",
        columns="image,mask,patient_id,label,texture,malignancy",
    )
    prepare.from_table(path, folder / "set.h5", SETTINGS)
    found = nodules.read(folder / "set.h5")
    assert found.texture.tolist() == [[1, 2, 2], [3, 0, 0], [3, 0, 0]]
    assert found.malignancy.tolist() == [[4], [0], [0]]
    assert found.mask.sum(axis=(1, 2)).tolist() == [12, 40, 40]


def test_a_line_that_fails_is_listed_and_the_others_go_on(folder):
    (folder / "bad.nrrd").write_bytes(b"no")
    path = table(
        folder,
        "ct.nii.gz,bad.nrrd,P1",
        "ct.nii.gz,mask.nrrd,P1",
        "absent,mask.nrrd,P2",
        "series,absent.dcm,P3",
    )
    result = prepare.from_table(path, folder / "set.h5", SETTINGS)
    assert result.rows == 3
    assert [entry.part for entry in result.skipped] == ["line 2", "", ""]
    assert "no such file" in result.skipped[1].reason
    assert "line 5: " in result.skipped[2].reason


def test_a_mask_among_the_slices_is_no_damaged_slice_but_other_files_are_listed(folder):
    (folder / "seg.dcm").rename(folder / "series" / "seg.dcm")
    (folder / "series" / "IM0099.dcm").write_bytes(b"")
    path = table(folder, "series,series/seg.dcm,")
    result = prepare.from_table(path, folder / "set.h5", SETTINGS)
    assert result.rows == 3 and [e.part for e in result.skipped] == [
        str(folder / "series" / "IM0099.dcm")
    ]


def test_a_label_that_the_mask_lacks_is_named(folder):
    path = table(folder, "ct.nii.gz,mask.nrrd,P1,9", columns="image,mask,patient_id,label")
    with pytest.raises(errors.NoduleSetError, match=r"has no label 9; it has 1, 2"):
        prepare.from_table(path, folder / "set.h5", SETTINGS)


def test_one_of_several_series_in_a_folder_can_be_named(folder):
    first = dicom.read_series(folder / "series")
    other = (made.hu() // 2).astype(np.int16)
    dicom.new_series(other, (0.7, 0.8), 2.0, folder / "series" / "more", seed=2)
    path = table(folder, "series,mask.nrrd,P1")
    with pytest.raises(errors.NoduleSetError, match="has 2 series"):
        prepare.from_table(path, folder / "set.h5", SETTINGS)
    line = f"series,mask.nrrd,P1,{first.series_uid}"
    path = table(folder, line, columns="image,mask,patient_id,series_uid")
    assert prepare.from_table(path, folder / "set.h5", SETTINGS).rows == 3
    assert set(nodules.read(folder / "set.h5").series_uid) == {first.series_uid}


@pytest.mark.parametrize(
    ("columns", "line", "message"),
    [
        ("image,patient_id", "a,b", "column mask is missing"),
        ("image,mask,patient_id", "", "holds no lines"),
        ("image,mask,patient_id", "ct,,P1", "line 2: image or mask is empty"),
        ("image,mask,patient_id", "ct.nii,m.nii,", "line 2: patient_id is empty"),
        ("image,mask,patient_id,texture", "a,b,c,6", "line 2: rating '6' is not from 1 to 5"),
        ("image,mask,patient_id,label", "a,b,c,x", "line 2: invalid literal"),
    ],
)
def test_a_table_with_a_mistake_is_refused(tmp_path, columns, line, message):
    path = table(tmp_path, line, columns=columns)
    with pytest.raises(errors.DicomError, match=message):
        image_table.read(path, SETTINGS)
