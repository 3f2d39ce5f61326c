"""Writes a derived series: some slices edited, everything else as it was."""

import pathlib
import warnings
from collections.abc import Mapping

import numpy as np
import pydicom
from pydicom import uid
from pydicom.sr import codedict, coding

from ggngan_tf import errors, files
from ggngan_tf.data.dicom import (
    cleaning,
    deidentify,
    encoding,
    hounsfield,
    identifiers,
    marker,
    series,
)

DESCRIPTION = "Synthetic ground glass nodules painted by a generative network"
# CID 7203 has no concept for painting something in, and may be extended.
_DERIVATION = coding.Code("SYNTHNOD", encoding.SCHEME, "Synthetic nodule insertion")
# They describe the acquired pixels, or the making and encoding of another file.
_STALE = (
    "SmallestImagePixelValue",
    "LargestImagePixelValue",
    "IconImageSequence",
    "DigitalSignaturesSequence",
    "MACParametersSequence",
    "DataSetTrailingPadding",
    "InstanceCreationDate",
    "InstanceCreationTime",
    "InstanceCreatorUID",
    "EncryptedAttributesSequence",
    "ReferencedSOPInstanceUID",  # at the top level it belongs to no module of a CT image
)
_LOSSY = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless)


def write_series(
    source: series.Series,
    edited: Mapping[int, np.ndarray],
    out: pathlib.Path | str,
    *,
    seed: int,
    description: str = DESCRIPTION,
    burn_marker: bool = False,
    deidentified: bool = False,
    force: bool = False,
) -> list[pathlib.Path]:
    """Writes `source` with some slices edited to the folder `out`, whole or not at all.

    Stored values stay bit for bit as they were, but for the pixels of edited slices that differ
    from `source.volume`; these go back through the slice's own slope and intercept and saturate
    at what Bits Stored can hold. Compressed and big-endian slices are written uncompressed,
    explicit little endian: a lossless codec would only save space, a lossy one change pixels.
    Every slice is marked as synthetic and derived, and names the one it came from. UIDs follow
    from the source, the edits, the options and `seed`; there is no time stamp of today.

    Args:
        source: The series that is read; its files must still be there.
        edited: New HU by slice index, int16 `(row, column)`.
        out: A folder; its files are `IM0001.dcm` onwards in slice order.
        seed: Part of the UIDs.
        description: What was done, for Derivation Description; up to 1024 characters.
        burn_marker: Write "SYNTHETIC" into a corner of every slice.
        deidentified: Apply the PS3.15 basic profile (see `deidentify`).
        force: Replace what `out` holds.

    Returns:
        The files, in slice order.

    Raises:
        DicomError: An edit does not fit, or a source file is gone, has changed or is damaged.
        OutputError: `out` is taken, or cannot be written.
    """
    out = pathlib.Path(out)
    files.check_new(out, force)
    _check_edits(source, edited)
    options = (seed, description, burn_marker, deidentified)
    digest = identifiers.digest(dict(edited))
    series_uid = identifiers.derive("series", source.series_uid, digest, *options)
    names = [f"IM{i + 1:04d}.dcm" for i in range(len(source))]
    with files.atomic_folder(out) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of every odd value that it passes on
        for index, name in enumerate(names):
            dataset = _edited(source, index, edited.get(index))
            if burn_marker:
                marker.burn(dataset)
            origin = source.sop_uids[index]
            if deidentified:
                deidentify.apply(dataset, seed)
                origin = deidentify.replaced(origin, seed)
            _identify(dataset, origin, index, series_uid)
            _explain(dataset, origin, description, index in edited)
            encoding.write(dataset, temporary / name)
    return [out / name for name in names]


def _check_edits(source, edited):
    for index, hu in edited.items():
        if not 0 <= index < len(source):
            raise errors.DicomError(
                f"edited slice {index}: the series has {len(source)} slices, counted from 0."
            )
        if hu.shape != source.volume.shape[1:] or hu.dtype != np.int16:
            raise errors.DicomError(
                f"edited slice {index}: found {hu.dtype} {hu.shape}, needed is int16 "
                f"{source.volume.shape[1:]}, HU."
            )


def _edited(source, index, hu):
    stored = source.stored(index)
    dataset = cleaning.copy(source.datasets[index])
    # Some archives give each slice a frame of its own, and no viewer then shows a volume.
    frame = source.frame_uid or identifiers.derive("frame", source.series_uid)
    dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = source.study_uid, frame
    slope, intercept = hounsfield.rescale(dataset, stored)
    if hu is not None:
        changed = hu != source.volume[index]
        stored = stored.copy()
        stored[changed] = hounsfield.from_hu(dataset, hu[changed], slope, intercept)
    encoding.set_pixels(dataset, stored, slope, intercept)
    for name in _STALE:
        if name in dataset:
            del dataset[name]
    if source.datasets[index].file_meta.TransferSyntaxUID in _LOSSY:
        dataset.LossyImageCompression = "01"  # decompressing does not bring back what was lost
    return dataset


def _identify(dataset, sop_uid, index, series_uid):
    dataset.SeriesInstanceUID = series_uid
    dataset.SOPInstanceUID = identifiers.derive("slice", series_uid, sop_uid)
    dataset.SeriesNumber = min(int(dataset.get("SeriesNumber") or 0) + 9000, 2**31 - 1)
    dataset.InstanceNumber = index + 1
    title = str(dataset.get("SeriesDescription") or "")
    dataset.SeriesDescription = f"{title[:52]} [synthetic]".strip()
    encoding.fill_required(dataset)


def _explain(dataset, sop_uid, description, is_edited):
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    dataset.SyntheticData = "YES"
    suffix = "" if is_edited else " (pixels of this slice unchanged)"
    if not description.isascii():
        dataset.SpecificCharacterSet = "ISO_IR 192"  # UTF-8; pydicom has decoded the rest
    dataset.DerivationDescription = (description + suffix)[:1024]
    dataset.DerivationCodeSequence = [encoding.code(_DERIVATION)]
    origin = pydicom.Dataset()
    origin.ReferencedSOPClassUID = uid.CTImageStorage
    origin.ReferencedSOPInstanceUID = sop_uid
    origin.SpatialLocationsPreserved = "YES"
    purpose = codedict.codes.DCM.SourceImageForImageProcessingOperation
    origin.PurposeOfReferenceCodeSequence = [encoding.code(purpose)]
    dataset.SourceImageSequence = [origin]
    equipment = [*dataset.get("ContributingEquipmentSequence", []), encoding.equipment()]
    dataset.ContributingEquipmentSequence = equipment
