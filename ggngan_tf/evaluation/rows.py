"""A row of features before there are features: the cut-out, its check and where it comes from."""

import numpy as np
import pandas as pd

from ggngan_tf import errors
from ggngan_tf.data import nodules as nodules_

_AIR = -200  # HU; a patch of lung has pixels below it, a picture of grey values has none


def check_hu(images: np.ndarray, bin_width: float) -> None:
    """Refuses images that hold no air.

    Args:
        images: `(N, row, column)`.
        bin_width: Of the grey levels, for the message.

    Raises:
        RadiomicsError: No pixel is below -200.
    """
    if not len(images):
        return
    low, high = np.min(images), np.max(images)
    if low > _AIR:
        raise errors.RadiomicsError(
            f"intensities run from {low:g} to {high:g}, needed are HU (air in the lung is near "
            f"-900); scaled to 0-1, all would fall into one bin of {bin_width}: undo the scaling."
        )


def cut(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mask's bounding box of both, `(row, column)`, the mask as bool; maybe empty."""
    rows, columns = (np.flatnonzero(np.any(mask, axis=axis)) for axis in (1, 0))
    if not len(rows):
        return image[:0, :0], mask[:0, :0] != 0
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(image[box]), np.ascontiguousarray(mask[box]) != 0


def provenance(nodules: nodules_.NoduleSet, software: str) -> pd.DataFrame:
    """Returns one row a nodule: its place in the set, its UIDs, its spacing, its generator."""
    return pd.DataFrame(
        {
            "row": np.arange(len(nodules)),
            "nodule_id": nodules.nodule_id,
            "patient_id": nodules.patient_id,
            "series_uid": nodules.series_uid,
            "sop_uid": nodules.sop_uid,
            "manufacturer": nodules.manufacturer,
            "roi_row": nodules.roi_centre[:, 0],
            "roi_column": nodules.roi_centre[:, 1],
            "spacing_row": nodules.pixel_spacing[:, 0],
            "spacing_column": nodules.pixel_spacing[:, 1],
            "synthetic": nodules.synthetic,
            "generator_sha256": nodules.attributes.get("generator_sha256", ""),
            "software": software,
        }
    )
