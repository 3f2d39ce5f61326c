"""Masks as DICOM SEG: one segment a nodule, on the slices of a series."""

import pathlib
import warnings
from collections.abc import Sequence

import highdicom
import numpy as np
from pydicom.sr import codedict

import ggngan_tf
from ggngan_tf import errors, files
from ggngan_tf.data.dicom import encoding, identifiers, reading

_CODES = codedict.codes


def write_segmentation(
    slices: Sequence[pathlib.Path],
    masks: np.ndarray,
    out: pathlib.Path | str,
    seed: int,
    *,
    labels: Sequence[str] | None = None,
    force: bool = False,
) -> pathlib.Path:
    """Writes masks of ground glass nodules as one DICOM SEG file, whole or not at all.

    Each segment is a nodule in the lung (SNOMED CT 27925004 in 39607008, CID 7159; modifier DCM
    112120, ground glass opacity), refers to the slices that it was drawn on, and is marked as
    synthetic. UIDs follow from the slices, the masks
    and `seed`; dates are those of the series.

    Args:
        slices: The files of the series in slice order, as `write_series` returns them.
        masks: uint8 `(slice, row, column)`: 0 outside, 1 in the first nodule, 2 in the second, ...
        out: The file to write.
        seed: Part of the UIDs.
        labels: What each segment is called; "Nodule 1" onwards if None.
        force: Replace what is there.

    Raises:
        DicomError: The masks are empty or do not fit the slices, or the labels the masks.
        OutputError: `out` is taken, or cannot be written.
    """
    out = pathlib.Path(out)
    files.check_new(out, force)
    headers = [reading.read(pathlib.Path(path), pixels=False) for path in slices]
    count = _check(headers, masks)
    labels = [f"Nodule {i + 1}" for i in range(count)] if labels is None else list(labels)
    if len(labels) != count:
        raise errors.DicomError(f"{out}: {len(labels)} labels for {count} segments; give one each.")
    digest = identifiers.digest({0: masks})
    key = (headers[0].SeriesInstanceUID, digest, *labels, seed)
    with warnings.catch_warnings(), files.atomic_file(out) as temporary:
        warnings.simplefilter("ignore")
        try:
            dataset = _segmentation(headers, masks, labels, key)
        except (ValueError, TypeError, AttributeError) as error:  # highdicom checks what it copies
            raise errors.DicomError(
                f"{slices[0]}: a segmentation cannot refer to it ({reading.summary(error)}); "
                "repair its header, or de-identify the series."
            ) from error
        encoding.write(dataset, temporary)
    return out


def _check(headers, masks):
    sizes = {(h.Rows, h.Columns) for h in headers}
    shape = (len(headers), *next(iter(sizes))) if len(sizes) == 1 else None
    if masks.dtype != np.uint8 or masks.shape != shape:
        raise errors.DicomError(
            f"masks: found {masks.dtype} {masks.shape}, needed is uint8 {shape}, as the slices."
        )
    count = int(masks.max())
    present = np.unique(masks[masks > 0])
    if count == 0 or len(present) != count:
        raise errors.DicomError(
            f"masks: found segments {present.tolist()}, needed are all from 1 upwards, none empty."
        )
    return count


def _segmentation(headers, masks, labels, key):
    first = headers[0]
    date, time = (
        first.get(f"Series{part}") or first.get(f"Study{part}") for part in ("Date", "Time")
    )
    dataset = highdicom.seg.Segmentation(
        source_images=headers,
        pixel_array=masks,
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_describe(i, label, key) for i, label in enumerate(labels, 1)],
        series_instance_uid=identifiers.derive("segmentation series", *key),
        series_number=min(int(first.get("SeriesNumber") or 0) + 1, 2**31 - 1),
        sop_instance_uid=identifiers.derive("segmentation", *key),
        instance_number=1,
        manufacturer="ggngan_tf",
        manufacturer_model_name="ggngan_tf",
        software_versions=ggngan_tf.__version__,
        device_serial_number="0",
        content_label="NODULES",
        content_description="Nodules",
        series_description="Nodules",
    )
    dataset.SyntheticData = "YES"
    encoding.fill_laterality(dataset)
    # highdicom writes today, and draws a UID, where equal seeds must give equal bytes.
    dataset.ContentDate, dataset.ContentTime = date or "20000101", time or "000000"
    del dataset.InstanceCreationDate, dataset.InstanceCreationTime
    for item in dataset.ContributingEquipmentSequence:
        item.pop("ContributionDateTime", None)
    _name_dimensions(dataset, identifiers.derive("dimensions", *key))
    return dataset


def _describe(number, label, key):
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name="ggngan_tf",
        family=_CODES.cid7162.ArtificialIntelligence,
        version=ggngan_tf.__version__,
    )
    description = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=_CODES.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=_CODES.SCT.Nodule,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=identifiers.derive("nodule", number, *key),
        tracking_id=label,
        anatomic_regions=[_CODES.SCT.Lung],
    )
    modifier = encoding.code(_CODES.DCM.GroundGlassOpacity)
    description.SegmentedPropertyTypeModifierCodeSequence = [modifier]
    return description


def _name_dimensions(dataset, uid):
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
