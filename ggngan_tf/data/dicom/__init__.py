"""CT in and out of DICOM: the one door to pydicom and highdicom."""

from ggngan_tf.data.dicom.hounsfield import HIGHEST, LOWEST, to_hu
from ggngan_tf.data.dicom.original import new_series
from ggngan_tf.data.dicom.scanning import Scan, Skipped, find_series, scan
from ggngan_tf.data.dicom.segmentation import write_segmentation
from ggngan_tf.data.dicom.series import Series, read_series, read_slices
from ggngan_tf.data.dicom.writing import write_series

__all__ = [
    "HIGHEST",
    "LOWEST",
    "Scan",
    "Series",
    "Skipped",
    "find_series",
    "new_series",
    "read_series",
    "read_slices",
    "scan",
    "to_hu",
    "write_segmentation",
    "write_series",
]
