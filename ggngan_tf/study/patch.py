"""Patches of one size with the nodule in the middle: what every task of a study works on."""

import dataclasses

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import patches

SIDE = 71  # pixels: 64 for the networks, and 7 more to shift them in


def cut(nodules: nodules_.NoduleSet) -> nodules_.NoduleSet:
    """Returns the set with 71 x 71 pixels around each nodule; 71 x 71 patches stay as they are.

    Beyond a slice's edge its last pixel is repeated.

    Raises:
        NoduleSetError: Images are smaller than 71 x 71 pixels.
    """
    rows, columns = nodules.image.shape[1:]
    if min(rows, columns) < SIDE:
        raise errors.NoduleSetError(
            f"images are {rows} x {columns} pixels, a study needs {SIDE} x {SIDE} or more around "
            "each nodule; make the set with larger patches."
        )
    middle = np.full_like(nodules.roi_centre, SIDE // 2)
    if (rows, columns) == (SIDE, SIDE) and np.array_equal(nodules.roi_centre, middle):
        return nodules
    image, mask = patches.cut(nodules, SIDE)
    lung = nodules.lung
    if lung is not None:
        whole = dataclasses.replace(nodules, image=lung.astype(np.int16))
        lung = patches.cut(whole, SIDE)[0].astype(np.uint8)
    origin = nodules.slice_origin
    if origin is not None:
        origin = origin + nodules.roi_centre - SIDE // 2
    return dataclasses.replace(
        nodules,
        image=image,
        mask=mask.astype(np.uint8),
        lung=lung,
        roi_centre=middle,
        slice_origin=origin,
    )
