import numpy as np
import pydicom
import pytest

from ggngan_tf import errors
from ggngan_tf.data import dicom
from ggngan_tf.data.dicom import hounsfield


def slice_of(stored, **tags) -> pydicom.Dataset:
    """Returns a slice of one row that holds `stored`, 12 bits, slope 1, intercept -1024."""
    stored = np.asarray(stored)
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.Rows, dataset.Columns = 1, len(stored)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.PixelRepresentation = int(stored.dtype == np.int16)
    dataset.RescaleSlope, dataset.RescaleIntercept = "1", "-1024"
    for name, value in tags.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    dataset.add_new("PixelData", "OW", stored.tobytes())
    return dataset


def unsigned(*values):
    return np.array(values, np.uint16)


def signed(*values):
    return np.array(values, np.int16)


def test_stored_values_become_hu_through_the_rescale_tags():
    found = dicom.to_hu(slice_of(unsigned(0, 1024, 4095)))
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, [[-1024, 0, 3071]])


def test_an_odd_slope_rounds_to_whole_hu():
    found = dicom.to_hu(slice_of(unsigned(1000, 2001), RescaleSlope="1.000244"))
    np.testing.assert_array_equal(found, [[-24, 977]])  # -23.756 and 977.488


def test_signed_values_keep_their_sign_in_fewer_bits_than_16():
    dataset = slice_of(signed(-1000, 500), RescaleIntercept="0")
    np.testing.assert_array_equal(dicom.to_hu(dataset), [[-1000, 500]])
    # without sign extension, as some scanners write it: 0xC18 is -1000 in 12 bits
    np.testing.assert_array_equal(
        dicom.to_hu(slice_of(signed(0x0C18, 500), RescaleIntercept="0")), [[-1000, 500]]
    )


def test_bits_above_those_stored_are_not_looked_at():
    found = dicom.to_hu(slice_of(unsigned(1024 | 0x8000, 1025)))
    np.testing.assert_array_equal(found, [[0, 1]])


def test_an_undeclared_circle_of_minus_2000_becomes_air():
    dataset = slice_of(signed(-2000, 1024), BitsStored=16, HighBit=15)
    np.testing.assert_array_equal(dicom.to_hu(dataset), [[-1024, 0]])


@pytest.mark.parametrize("value", [63536, -2000])
def test_a_padding_value_is_found_whatever_its_sign_in_the_header(value):
    dataset = slice_of(signed(-2000, 1024), BitsStored=16, HighBit=15)
    dataset.add_new("PixelPaddingValue", "US" if value > 0 else "SS", value)
    np.testing.assert_array_equal(dicom.to_hu(dataset), [[-1024, 0]])


def test_padding_above_the_tissue_becomes_air():
    dataset = slice_of(unsigned(4095, 4090, 1024))
    dataset.add_new("PixelPaddingValue", "US", 4095)
    np.testing.assert_array_equal(dicom.to_hu(dataset), [[-1024, 3066, 0]])
    dataset.add_new("PixelPaddingRangeLimit", "US", 4090)
    np.testing.assert_array_equal(dicom.to_hu(dataset), [[-1024, -1024, 0]])


def test_a_padding_value_among_tissue_is_disbelieved():
    dataset = slice_of(unsigned(1024, 1025))
    dataset.add_new("PixelPaddingValue", "US", 1024)  # 0 HU
    np.testing.assert_array_equal(dicom.to_hu(dataset), [[0, 1]])


def test_missing_rescale_tags_are_one_and_zero_if_the_values_look_like_hu():
    dataset = slice_of(signed(-1000, 40), RescaleSlope=None, RescaleIntercept=None)
    np.testing.assert_array_equal(dicom.to_hu(dataset), [[-1000, 40]])


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({"RescaleIntercept": None}, "RescaleIntercept is missing and the values are no HU"),
        ({"RescaleSlope": "0"}, "RescaleSlope is 0"),
        ({"RescaleSlope": "-1"}, "RescaleSlope is -1"),
        ({"RescaleIntercept": "1e9"}, r"RescaleIntercept is 1e\+09"),
        ({"RescaleType": "Z_EFF"}, "RescaleType is 'Z_EFF', needed is 'HU'"),
        ({"ModalityLUTSequence": []}, "a modality lookup table"),
    ],
)
def test_unusable_rescale_tags_are_refused(tags, found):
    with pytest.raises(errors.DicomError, match=found):
        dicom.to_hu(slice_of(unsigned(0, 1024), **tags))


def test_hu_go_back_to_the_nearest_stored_value_and_saturate():
    dataset = slice_of(unsigned(0))
    hu = np.array([-1024, -1, 3071, 4000, -2000])
    found = hounsfield.from_hu(dataset, hu, 1.0, -1024.0)
    np.testing.assert_array_equal(found, [0, 1023, 4095, 4095, 0])
    dataset = slice_of(signed(0))  # 12 bits, signed: -2048 to 2047
    found = hounsfield.from_hu(dataset, np.array([1000, 3071]), 1.0, -1024.0)
    np.testing.assert_array_equal(found, [2024, 2047])


def test_no_edited_pixel_becomes_padding():
    dataset = slice_of(unsigned(0))
    dataset.add_new("PixelPaddingValue", "US", 0)
    found = hounsfield.from_hu(dataset, np.array([-1024, -1023]), 1.0, -1024.0)
    np.testing.assert_array_equal(found, [1, 1])


@pytest.mark.parametrize(("slope", "error"), [(0.5, 0), (1.0, 0), (1.000244, 1)])
def test_every_hu_survives_the_way_there_and_back(slope, error):
    dataset = slice_of(signed(0), BitsStored=16, HighBit=15)
    hu = np.arange(-1024, 3072)
    stored = hounsfield.from_hu(dataset, hu, slope, -1024.0)
    assert np.abs(np.rint(stored * slope - 1024) - hu).max() == error
