"""Writes a new CT series from a volume in HU, such as a phantom's."""

import pathlib

import numpy as np
import pydicom
from pydicom import uid
from pydicom.sr import codedict

from ggngan_tf import errors, files
from ggngan_tf.data.dicom import encoding, hounsfield, identifiers

_DATE = "20000101"  # no today: the same seed gives the same bytes


def new_series(
    volume_hu: np.ndarray,
    pixel_spacing: tuple[float, float],
    slice_thickness: float,
    out: pathlib.Path | str,
    *,
    seed: int,
    patient_id: str = "PHANTOM",
    slice_spacing: float | None = None,
    origin: tuple[float, float, float] | None = None,
    manufacturer: str = "ggngan_tf",
    description: str = "Digital phantom",
    kernel: str = "STANDARD",
    blinded: bool = False,
    force: bool = False,
) -> list[pathlib.Path]:
    """Writes a volume as an axial CT series to the folder `out`, whole or not at all.

    Stored in 12 bits, unsigned, slope 1, intercept -1024; marked as synthetic unless `blinded`.
    UIDs follow from the arguments, so that equal ones give equal bytes.

    Args:
        volume_hu: int16 `(slice, row, column)`, HU; slices from the feet upwards, rows towards the
            back, columns towards the patient's left. Clipped to [-1024, 3071].
        pixel_spacing: mm, between rows and between columns.
        slice_thickness: mm.
        out: A folder; its files are `IM0001.dcm` onwards in slice order.
        seed: Part of the UIDs.
        patient_id: Patient ID, and part of the name.
        slice_spacing: mm between slice centres; the thickness if None.
        origin: mm, patient coordinates of pixel (0, 0) of slice 0; centred if None.
        manufacturer: What the file says made it.
        description: Series Description.
        kernel: Convolution Kernel.
        blinded: Leave out every mark of where the slices come from, for a reader study that mixes
            real and synthetic ones and keeps the marks in its key.
        force: Replace what `out` holds.

    Returns:
        The files, in slice order.

    Raises:
        DicomError: The volume is not int16 with three dimensions, or a length is not above 0.
        OutputError: `out` is taken, or cannot be written.
    """
    out = pathlib.Path(out)
    files.check_new(out, force)
    step = slice_thickness if slice_spacing is None else slice_spacing
    _check(volume_hu, pixel_spacing, slice_thickness, step)
    volume = np.clip(volume_hu, hounsfield.LOWEST, hounsfield.HIGHEST)
    start = _centred(volume.shape, pixel_spacing, step) if origin is None else origin
    digest = identifiers.digest({0: volume})
    names = (patient_id, manufacturer, description, kernel, blinded)
    key = (digest, pixel_spacing, slice_thickness, step, start, seed, *names)
    template = _template(key, volume.shape)
    template.PatientID, template.PatientName = patient_id, f"Phantom^{patient_id}"
    template.Manufacturer, template.ConvolutionKernel = manufacturer, kernel
    template.SeriesDescription = description[:64]
    if blinded:
        _blind(template)
    template.PixelSpacing = [encoding.decimal(mm) for mm in pixel_spacing]
    template.SliceThickness = encoding.decimal(slice_thickness)
    names = [f"IM{i + 1:04d}.dcm" for i in range(len(volume))]
    with files.atomic_folder(out) as temporary:
        for index, name in enumerate(names):
            place = (start[0], start[1], start[2] + index * step)
            _place(template, index, place)
            stored = (volume[index].astype(np.int32) - hounsfield.LOWEST).astype(np.uint16)
            encoding.set_pixels(template, stored, 1.0, float(hounsfield.LOWEST))
            encoding.write(template, temporary / name)
    return [out / name for name in names]


def _check(volume, pixel_spacing, slice_thickness, step):
    if volume.ndim != 3 or volume.dtype != np.int16 or 0 in volume.shape:
        raise errors.DicomError(
            f"new series: found {volume.dtype} {volume.shape}, "
            "needed is int16 (slice, row, column)."
        )
    lengths = (*pixel_spacing, slice_thickness, step)
    if len(pixel_spacing) != 2 or not all(0 < mm < 1000 for mm in lengths):
        raise errors.DicomError(f"new series: found spacings {lengths}, needed are mm above 0.")


def _centred(shape, pixel_spacing, step):
    depth, height, width = (np.array(shape) - 1) / 2
    return (-width * pixel_spacing[1], -height * pixel_spacing[0], -depth * step)


def _template(key, shape):
    dataset = pydicom.Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SOPClassUID = uid.CTImageStorage
    dataset.SyntheticData = "YES"
    for name in ("Study", "Series", "Acquisition", "Content"):
        setattr(dataset, f"{name}Date", _DATE)
        setattr(dataset, f"{name}Time", "000000")
    dataset.Modality, dataset.BodyPartExamined = "CT", "CHEST"
    dataset.StudyInstanceUID = identifiers.derive("study", *key)
    dataset.SeriesInstanceUID = identifiers.derive("series", *key)
    dataset.FrameOfReferenceUID = identifiers.derive("frame", *key)
    dataset.PatientPosition = "HFS"
    dataset.StudyID, dataset.SeriesNumber, dataset.AcquisitionNumber = "1", 1, 1
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = shape[1:]
    dataset.BitsAllocated, dataset.BitsStored = 16, 12
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = -600, 1500
    maker = codedict.codes.DCM.SynthesizingEquipment
    dataset.ContributingEquipmentSequence = [encoding.equipment(maker)]
    encoding.fill_required(dataset)
    return dataset


def _blind(dataset):
    dataset.PatientName = dataset.PatientID
    del dataset.SyntheticData, dataset.ContributingEquipmentSequence


def _place(dataset, index, place):
    dataset.SOPInstanceUID = identifiers.derive("slice", dataset.SeriesInstanceUID, index)
    dataset.InstanceNumber = index + 1
    dataset.ImagePositionPatient = [encoding.decimal(mm) for mm in place]
    dataset.SliceLocation = encoding.decimal(place[2])
