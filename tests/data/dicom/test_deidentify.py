import numpy as np
import pydicom
import pytest

from ggngan_tf.data import dicom
from tests.data.dicom import synthetic

SECRETS = {
    "PatientName": "Doe^Jane",
    "PatientID": "4711-0815",
    "PatientBirthDate": "19500307",
    "PatientAddress": "7 Secret Lane",
    "InstitutionName": "Hospital Hidden",
    "ReferringPhysicianName": "House^Gregory",
    "AccessionNumber": "ACC-99123",
    "StudyDate": "20190203",
    "AcquisitionDateTime": "20190203101112",
    "SeriesDescription": "Jane Doe thorax",
    "DeviceSerialNumber": "SN-778899",
    "OperatorsName": "Op^Erator",
    "PatientComments": "comes from Hiddenville",
    "ProtocolName": "Protocol Hidden",
}


@pytest.fixture
def source(tmp_path):
    for path in synthetic.series(tmp_path / "ct"):
        dataset = pydicom.dcmread(path)
        for name, value in SECRETS.items():
            setattr(dataset, name, value)
        block = dataset.private_block(0x0029, "VENDOR SECRETS", create=True)
        block.add_new(0x10, "LO", "private secret")
        nested = pydicom.Dataset()
        nested.ReferencedSOPInstanceUID = "1.2.840.99999.1"
        nested.ReferencedSOPClassUID = pydicom.uid.CTImageStorage
        dataset.ReferencedImageSequence = [nested]
        request = pydicom.Dataset()
        request.RequestedProcedureDescription = "nested secret"
        dataset.RequestAttributesSequence = [request]
        view = pydicom.Dataset()
        view.CodeMeaning, view.PersonName = "kept", "nested^secret"
        dataset.ViewCodeSequence = [view]
        dataset.save_as(path)
    return dicom.read_series(tmp_path / "ct")


def test_nothing_that_the_profile_names_is_left_in_the_bytes(source, tmp_path):
    for path in dicom.write_series(source, {}, tmp_path / "out", seed=7, deidentified=True):
        content = path.read_bytes()
        for secret in (*SECRETS.values(), "nested", "VENDOR", "private", "1.2.840.99999.1"):
            assert secret.encode() not in content, secret
        for dataset in source.datasets:
            for name in ("SOPInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
                assert dataset[name].value.encode() not in content


def test_pixels_and_geometry_stay(source, tmp_path):
    dicom.write_series(source, {}, tmp_path / "out", seed=7, deidentified=True)
    written = dicom.read_series(tmp_path / "out")
    np.testing.assert_array_equal(written.volume, source.volume)
    np.testing.assert_array_equal(written.positions, source.positions)
    assert written.pixel_spacing == source.pixel_spacing


def test_slices_of_one_series_stay_together_and_say_what_was_done(source, tmp_path):
    paths = dicom.write_series(source, {}, tmp_path / "out", seed=7, deidentified=True)
    found = [pydicom.dcmread(path) for path in paths]
    for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({dataset[name].value for dataset in found}) == 1
    assert len({dataset.SOPInstanceUID for dataset in found}) == 4
    assert found[0].PatientIdentityRemoved == "YES"
    assert found[0].LongitudinalTemporalInformationModified == "REMOVED"
    assert found[0].DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert found[0].SyntheticData == "YES"


def test_the_seed_decides_the_new_identity(source, tmp_path):
    identities = []
    for number, seed in enumerate((7, 7, 8)):
        paths = dicom.write_series(source, {}, tmp_path / str(number), seed=seed, deidentified=True)
        dataset = pydicom.dcmread(paths[0])
        identities.append((dataset.PatientID, dataset.StudyInstanceUID))
    assert identities[0] == identities[1]
    assert identities[0][0] != identities[2][0] and identities[0][1] != identities[2][1]


def test_without_the_option_the_patient_is_kept_and_vendor_data_go(source, tmp_path):
    paths = dicom.write_series(source, {}, tmp_path / "out", seed=7)
    dataset = pydicom.dcmread(paths[0])
    assert dataset.PatientID == "4711-0815" and dataset.StudyDate == "20190203"
    assert b"VENDOR" not in paths[0].read_bytes()
