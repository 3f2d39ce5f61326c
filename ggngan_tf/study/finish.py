"""Finishes painted nodules: a soft border, and as much noise as the lung around them has.

A small GAN draws the border of what it paints and smooths its inside. Where every added GGN has
such a mark, a classifier learns the mark; real GGNs do not have it.
"""

import numpy as np
from scipy import ndimage

_RING = 4  # pixels around the painted region whose noise is taken as that of the scan
_FINE = 1.0  # pixels; what a Gaussian of this width takes away counts as noise
_GRAIN = 0.5  # pixels; CT noise is correlated between neighbours


def finish(
    painted: np.ndarray,
    original: np.ndarray,
    mask: np.ndarray,
    feather: float,
    noise: bool,
    random: np.random.Generator,
) -> np.ndarray:
    """Returns one image int16 `(row, column)`; nothing but what was painted changes.

    Args:
        painted: int16 `(row, column)`, HU, as the generator returned it.
        original: What it painted into.
        mask: uint8, the nodule's pixels; around them more was painted.
        feather: Pixels outside the mask over which the painted passes into the original; inside
            the mask nothing of the original comes back. 0: as it was painted.
        noise: Whether noise is made up inside the painted region.
        random: Where the noise comes from.
    """
    changed = ndimage.binary_fill_holes((painted != original) | (mask > 0))
    image = painted.astype(np.float32)
    if noise:
        image += _missing(painted, changed) * changed * _grain(image.shape, random)
    if feather > 0:
        away = ndimage.distance_transform_edt(mask == 0)
        share = np.clip(1 - away / (feather + 1), 0, 1)
        image = share * image + (1 - share) * original
    made = np.clip(np.rint(image), -1024, 3071).astype(np.int16)
    return np.where(changed, made, original)


def _missing(image, inside):
    """Returns the standard deviation of noise that makes the inside as noisy as the ring."""
    fine = image - ndimage.gaussian_filter(image.astype(np.float32), _FINE)
    core = ndimage.binary_erosion(inside, iterations=2)
    ring = ndimage.binary_dilation(inside, iterations=_RING + 2)
    ring &= ~ndimage.binary_dilation(inside, iterations=2)
    if core.sum() < 9 or ring.sum() < 9:
        return 0.0
    # The median, so that vessels in the ring do not count as noise.
    wanted, found = (1.48 * np.median(np.abs(fine[where])) for where in (ring, core))
    # What the same filter leaves of the noise that is to be added.
    left = _grain(image.shape, np.random.default_rng(0))
    left = (left - ndimage.gaussian_filter(left, _FINE)).std()
    return float(np.sqrt(max(wanted**2 - found**2, 0.0)) / left)


def _grain(shape, random):
    grain = ndimage.gaussian_filter(random.standard_normal(shape).astype(np.float32), _GRAIN)
    return grain / grain.std()
