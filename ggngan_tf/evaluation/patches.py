"""Windows of one size around nodules, as the judges of pixels take them."""

import numpy as np

from ggngan_tf.data import nodules as nodules_

ROI = 32  # pixels, the ROI of the paper
CONTEXT = 64  # ours: what fits into the 71 x 71 patches, and shows the painted border whole


def cut(nodules: nodules_.NoduleSet, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns images, int16 HU, and masks, bool, both `(N, size, size)`, around `roi_centre`.

    Beyond the slice's edge the last pixel is repeated, and nothing is nodule.

    Args:
        nodules: Of any slice size.
        size: Pixels; the centre is row and column `size // 2`.
    """
    half = size // 2
    offsets = np.arange(-half, size - half)
    rows, columns = nodules.image.shape[1:]
    row = nodules.roi_centre[:, 0, None] + offsets
    column = nodules.roi_centre[:, 1, None] + offsets
    each = np.arange(len(nodules))[:, None, None]
    inside = ((row >= 0) & (row < rows))[:, :, None] & ((column >= 0) & (column < columns))[:, None]
    where = (each, row.clip(0, rows - 1)[:, :, None], column.clip(0, columns - 1)[:, None])
    return nodules.image[where], (nodules.mask[where] != 0) & inside
