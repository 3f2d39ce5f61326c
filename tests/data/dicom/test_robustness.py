"""Files as archives, networks and other programs leave them."""

import os
import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from pydicom import uid

from ggngan_tf import errors
from ggngan_tf.data import dicom
from ggngan_tf.data.dicom import reading
from tests.data.dicom import synthetic

HU = synthetic.volume(rows=64, columns=72)  # JPEG 2000 needs some size


@pytest.fixture
def paths(tmp_path):
    return synthetic.series(tmp_path / "ct", HU)


def convert(program: str, *arguments) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not here (Debian: dcmtk)")
    subprocess.run([program, *map(str, arguments)], check=True, capture_output=True)


def reason(path) -> str:
    found = dicom.scan(path)
    assert found.series == []
    return found.skipped[0].reason


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEG2000Lossless, uid.JPEGLSLossless])
def test_compressed_slices_read_and_are_written_uncompressed(paths, tmp_path, syntax):
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.compress(syntax)
        dataset.save_as(path)
    series = dicom.read_series(tmp_path / "ct")
    np.testing.assert_array_equal(series.volume, HU)
    written = dicom.write_series(series, {}, tmp_path / "out", seed=0)
    first = pydicom.dcmread(written[0])
    assert first.file_meta.TransferSyntaxUID == uid.ExplicitVRLittleEndian
    np.testing.assert_array_equal(first.pixel_array, pydicom.dcmread(paths[0]).pixel_array)


@pytest.mark.parametrize("option", ["+e1", "+el"], ids=["first-order", "any-order"])
def test_jpeg_lossless_slices_read(paths, option):
    convert("dcmcjpeg", option, paths[0], paths[0])
    np.testing.assert_array_equal(dicom.read_series(paths[0]).volume, HU[:1])


@pytest.mark.parametrize("option", ["+tb", "+ti", "+td", "-F"])
def test_big_endian_implicit_deflated_and_bare_data_sets_read(paths, option):
    convert("dcmconv", option, paths[0], paths[0])
    np.testing.assert_array_equal(dicom.read_series(paths[0]).volume, HU[:1])


def test_big_endian_slices_are_written_with_the_same_values(paths, tmp_path):
    convert("dcmconv", "+tb", paths[0], paths[0])
    series = dicom.read_series(paths[0])
    written = dicom.write_series(series, {}, tmp_path / "out", seed=0)
    np.testing.assert_array_equal(dicom.read_series(written[0]).volume, HU[:1])


def test_a_compressed_frame_that_claims_another_size_is_not_decoded(paths):
    dataset = pydicom.dcmread(paths[0])
    dataset.compress(uid.JPEG2000Lossless)
    start = dataset.PixelData.index(b"\xff\x4f\xff\x51") + 8  # the width, of 4 bytes
    data = dataset.PixelData
    dataset.PixelData = data[:start] + b"\x7f\xff\xff\xff" + data[start + 4 :]
    dataset.save_as(paths[0])
    with pytest.raises(errors.DicomError, match="frame has 64 x 2147483647 pixels, the header 64"):
        dicom.read_series(paths[0])


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"Modality": "MR"}, "not CT: Modality is 'MR'"),
        ({"Modality": None}, "not CT: Modality is ''"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2.1"}, "SOP class is Enhanced CT"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "a localizer"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "not an axial slice"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "needed are two unit vectors"),
        ({"ImagePositionPatient": None}, "ImagePositionPatient is"),
        ({"ImagePositionPatient": [1, 2]}, "needed are 3 numbers"),
        ({"PixelSpacing": [0, 1]}, "PixelSpacing is"),
        ({"PixelSpacing": None}, "PixelSpacing is"),
        ({"SeriesInstanceUID": None}, "SeriesInstanceUID is '', needed is a UID"),
        ({"Rows": 65535, "Columns": 65535}, "65535 x 65535 pixels, the limit is"),
        ({"Rows": 0}, "0 x 72 pixels"),
        ({"Rows": None}, "Rows is missing"),
        ({"BitsAllocated": 8}, "BitsAllocated is 8, needed is 16"),
        ({"SamplesPerPixel": 3}, "SamplesPerPixel is 3, needed is 1"),
        ({"NumberOfFrames": 7}, "NumberOfFrames is 7, needed is 1"),
        ({"HighBit": 15}, "HighBit is 15, needed is 11"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_no_axial_ct_slice_is_skipped_with_the_reason(paths, tags, found):
    synthetic.spoil(paths[0], **tags)
    assert found in reason(paths[0])


def test_one_bad_file_of_each_kind_leaves_the_rest_of_the_folder(paths, tmp_path):
    folder = tmp_path / "ct"
    (folder / "empty.dcm").write_bytes(b"")
    (folder / "short.dcm").write_bytes(paths[0].read_bytes()[:700])
    (folder / "notes.txt").write_text("not an image " * 20)
    (folder / "deep" / "er").mkdir(parents=True)
    paths[3].rename(folder / "deep" / "er" / "slice")
    paths[1].write_bytes(paths[1].read_bytes()[:-300])  # the header is whole, the pixels are not
    series = dicom.read_series(folder)
    np.testing.assert_array_equal(series.volume, HU[[0, 2, 3]])
    reasons = {skipped.path.name: skipped.reason for skipped in series.skipped}
    assert set(reasons) == {"empty.dcm", "short.dcm", "notes.txt", "IM0002.dcm"}
    assert "is empty" in reasons["empty.dcm"]
    assert "is not DICOM" in reasons["notes.txt"]
    assert "pixels do not decode" in reasons["IM0002.dcm"]
    assert "2.00 mm after slice 0 (4.00 mm)" in series.notes[0]


def test_a_folder_without_ct_is_refused_with_a_reason(tmp_path):
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.raises(errors.DicomError, match=r"no axial CT slices \(notes.txt: is not DICOM"):
        dicom.read_series(tmp_path)


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(errors.DicomError, match="no such file or folder"):
        dicom.scan(tmp_path / "nothing")


def test_a_folder_that_cannot_be_opened_is_listed(paths, tmp_path, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    (tmp_path / "ct" / "locked").mkdir()
    monkeypatch.setattr(os, "scandir", scandir)
    found = dicom.scan(tmp_path / "ct")
    assert found.skipped[0].reason == "unreadable (Permission denied)"
    assert len(found.series[0][1]) == 4


def test_links_that_lead_nowhere_and_pipes_are_skipped(paths, tmp_path):
    (tmp_path / "ct" / "gone.dcm").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "ct" / "pipe.dcm")  # opening it would wait for ever
    reasons = [skipped.reason for skipped in dicom.scan(tmp_path / "ct").skipped]
    assert reasons == ["not a regular file"] * 2


def test_links_to_folders_are_followed_once_and_never_round_in_circles(paths, tmp_path):
    (tmp_path / "ct" / "deep").mkdir()
    (tmp_path / "ct" / "deep" / "up").symlink_to(tmp_path / "ct")
    (tmp_path / "root").mkdir()
    for name in "ab":
        (tmp_path / "root" / name).symlink_to(tmp_path / "ct")
    found = dicom.scan(tmp_path / "root")
    assert [len(files) for _, files in found.series] == [4] and found.skipped == []


def test_a_file_without_preamble_reads_and_one_with_a_foreign_preamble_too(paths):
    content = paths[0].read_bytes()
    for changed in (content[132:], b"II*\0" * 32 + content[128:]):
        paths[0].write_bytes(changed)
        np.testing.assert_array_equal(dicom.read_series(paths[0]).volume, HU[:1])


def test_a_second_copy_of_a_slice_is_left_out(paths, tmp_path):
    shutil.copy(paths[1], tmp_path / "ct" / "again.dcm")
    series = dicom.read_series(tmp_path / "ct")
    np.testing.assert_array_equal(series.volume, HU)
    assert "the same SOP Instance UID as" in series.skipped[0].reason


def test_two_instances_of_equal_pixels_at_one_place_count_once(paths, tmp_path):
    copy = shutil.copy(paths[1], tmp_path / "ct" / "again.dcm")
    synthetic.spoil(copy, SOPInstanceUID="1.2.3")
    series = dicom.read_series(tmp_path / "ct")
    np.testing.assert_array_equal(series.volume, HU)
    assert "a second copy of" in series.skipped[0].reason


def test_two_different_slices_at_one_place_are_refused(paths, tmp_path):
    position = pydicom.dcmread(paths[0]).ImagePositionPatient
    synthetic.spoil(paths[1], ImagePositionPatient=list(position))
    with pytest.raises(errors.DicomError, match=r"lies at the same place as .* and differs"):
        dicom.read_series(tmp_path / "ct")


def test_a_slice_of_another_size_is_left_out(paths, tmp_path):
    dicom.new_series(HU[:1, :20], (0.5, 0.75), 2.0, tmp_path / "small", seed=0)
    series_uid = pydicom.dcmread(paths[0]).SeriesInstanceUID
    small = synthetic.spoil(tmp_path / "small" / "IM0001.dcm", SeriesInstanceUID=series_uid)
    shutil.move(small, tmp_path / "ct" / "small.dcm")
    series = dicom.read_series(tmp_path / "ct")
    assert len(series) == 4
    assert "differ from the rest of its series" in series.skipped[0].reason


def test_a_tilted_gantry_is_read_in_order_and_noted(paths, tmp_path):
    cosine, sine = np.cos(np.radians(20)), np.sin(np.radians(20))
    for index, path in enumerate(paths):
        orientation = [1, 0, 0, 0, f"{cosine:.6f}", f"{sine:.6f}"]
        position = [0, 0, 2.0 * index]
        synthetic.spoil(path, ImageOrientationPatient=orientation, ImagePositionPatient=position)
    series = dicom.read_series(tmp_path / "ct")
    np.testing.assert_array_equal(series.volume, HU)
    assert series.notes == ("the gantry is tilted by 20.0 degrees: the volume is sheared",)


def test_a_prone_patient_is_read_upwards(paths, tmp_path):
    for path in paths:
        synthetic.spoil(path, ImageOrientationPatient=[-1, 0, 0, 0, -1, 0], PatientPosition="HFP")
    np.testing.assert_array_equal(dicom.read_series(tmp_path / "ct").volume, HU)


def test_a_file_too_large_for_one_slice_is_not_read(tmp_path):
    path = tmp_path / "large.dcm"
    with path.open("wb") as file:
        file.truncate(reading.MAX_BYTES + 1)
    assert "the limit is 67,108,864" in reason(path)


def test_a_deflated_file_that_would_fill_the_memory_is_refused(paths, tmp_path, monkeypatch):
    convert("dcmconv", "+td", paths[0], paths[0])
    monkeypatch.setattr(reading, "MAX_BYTES", paths[0].stat().st_size)
    assert "inflates to more than" in reason(paths[0])
