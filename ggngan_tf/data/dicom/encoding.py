"""Parts that every written CT slice shares: tags, coded concepts, pixels, the file itself."""

import io
import pathlib
import warnings

import numpy as np
import pydicom
from pydicom import uid
from pydicom.sr import codedict
from pydicom.sr.coding import Code

import ggngan_tf
from ggngan_tf import errors
from ggngan_tf.data.dicom import hounsfield, reading

SCHEME = "99GGNGAN"  # ours; PS3.3, 8.2: private designators start with 99
# Type 2 attributes of the CT Image IOD (PS3.3, A.3.3): they may be empty, not absent.
_REQUIRED = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
    "SeriesNumber",
    "PatientPosition",
    "PositionReferenceIndicator",
    "Manufacturer",
    "KVP",
    "AcquisitionNumber",
    "SliceThickness",
)


def fill_required(dataset: pydicom.Dataset) -> None:
    """Adds what the CT Image IOD wants to see at least empty."""
    for name in _REQUIRED:
        if name not in dataset:
            setattr(dataset, name, "")
    fill_laterality(dataset)


def fill_laterality(dataset: pydicom.Dataset) -> None:
    """Adds an empty Laterality where the part is a paired one: a slice shows both lungs."""
    if dataset.get("BodyPartExamined") == "LUNG" and "Laterality" not in dataset:
        dataset.Laterality = ""


def set_pixels(
    dataset: pydicom.Dataset, stored: np.ndarray, slope: float, intercept: float
) -> None:
    """Puts stored values, int16 or uint16 `(row, column)`, and their rescale tags in."""
    signed = dataset.PixelRepresentation == 1
    dataset.add_new("PixelData", "OW", stored.astype(stored.dtype.newbyteorder("<")).tobytes())
    dataset.HighBit = dataset.BitsStored - 1
    dataset.SamplesPerPixel = 1
    for name in ("NumberOfFrames", "PlanarConfiguration"):
        if name in dataset:
            del dataset[name]
    for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        value = hounsfield.padding_value(dataset, name)
        if name in dataset:
            del dataset[name]
        if value is not None:
            dataset.add_new(name, "SS" if signed else "US", value)
    if dataset.get("RescaleSlope") in (None, ""):
        dataset.RescaleSlope = decimal(slope)
    if dataset.get("RescaleIntercept") in (None, ""):
        dataset.RescaleIntercept = decimal(intercept)
    dataset.RescaleType = "HU"


def decimal(value: float) -> str:
    """Returns a number as a decimal string of at most 16 characters (VR DS)."""
    return pydicom.valuerep.format_number_as_ds(float(value))


def code(concept: Code) -> pydicom.Dataset:
    """Returns an item of a code sequence."""
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator = concept.value, concept.scheme_designator
    item.CodeMeaning = concept.meaning
    return item


def equipment(concept: Code = codedict.codes.DCM.ModifyingEquipment) -> pydicom.Dataset:
    """Returns an item of the Contributing Equipment Sequence that names this package."""
    item = pydicom.Dataset()
    item.Manufacturer = "ggngan_tf"
    item.ManufacturerModelName = "ggngan_tf"
    item.SoftwareVersions = ggngan_tf.__version__
    item.PurposeOfReferenceCodeSequence = [code(concept)]
    return item


def write(dataset: pydicom.Dataset, path: pathlib.Path) -> None:
    """Writes explicit little endian, with a complete file meta information.

    Raises:
        DicomError: A value cannot be encoded.
    """
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    content = io.BytesIO()  # so that a value's error cannot be mistaken for the disk's
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pydicom.dcmwrite(content, dataset, enforce_file_format=True)
    except Exception as error:  # an odd value fails in as many ways as there are types
        raise errors.DicomError(
            f"{path.name}: cannot be encoded ({reading.summary(error)}); "
            "repair the source's header."
        ) from error
    path.write_bytes(content.getbuffer())
