"""Fakes that each one judge has to catch."""

import dataclasses

import numpy as np
from scipy import ndimage

from ggngan_tf.data import nodules as nodules_

SYNTHETIC = {"synthetic": True, "generator_sha256": "0" * 64}


def blobs(nodules: nodules_.NoduleSet) -> nodules_.NoduleSet:
    """Returns smooth Gaussian blobs of one density, without texture, where nodules were."""
    image = nodules.image.astype(float)
    for pixels, mask in zip(image, nodules.mask, strict=True):
        around = ndimage.binary_dilation(mask, iterations=2)
        level = np.median(pixels[ndimage.binary_dilation(around, iterations=2) & ~around])
        weight = ndimage.gaussian_filter(mask.astype(float), 1.5)
        pixels[around] = (level + weight * (-600 - level))[around]
    return dataclasses.replace(nodules, image=image.astype(np.int16), attributes=SYNTHETIC)


def copies(nodules: nodules_.NoduleSet, training: nodules_.NoduleSet) -> nodules_.NoduleSet:
    """Returns real training nodules, turned by 90 degrees, set into other surroundings."""
    image, mask = nodules.image.copy(), nodules.mask.copy()
    for row in range(len(nodules)):
        pasted = np.rot90(training.mask[row % len(training)]) != 0
        image[row][pasted] = np.rot90(training.image[row % len(training)])[pasted]
        mask[row] = pasted
    return dataclasses.replace(nodules, image=image, mask=mask, attributes=SYNTHETIC)


def seams(nodules: nodules_.NoduleSet, step: int = 120) -> nodules_.NoduleSet:
    """Returns real nodules whose 32 x 32 ROI has a border of one brighter pixel."""
    image = nodules.image.copy()
    for pixels, (row, column) in zip(image, nodules.roi_centre, strict=True):
        box = np.zeros(pixels.shape, bool)
        box[row - 16 : row + 16, column - 16 : column + 16] = True
        pixels[box & ~ndimage.binary_erosion(box)] += step
    return dataclasses.replace(nodules, image=image, attributes=SYNTHETIC)
