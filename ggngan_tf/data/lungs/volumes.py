"""Lung extraction from a volume of axial slices."""

import numpy as np
from scipy import ndimage

from ggngan_tf import errors
from ggngan_tf.data.lungs import morphology, slices

# Ours, settled by looking at real scans.
LEAST_SHARE = 0.03  # of the largest region's volume: a lung is not smaller, gas in bowel is
LEAST_VOLUME = 5000.0  # mm3; no lung at all below this
DOME_AREA = 80.0  # mm2; a smaller hole is a vessel or a nodule, not the top of the diaphragm


def extract_volume(
    volume: np.ndarray, pixel_spacing: tuple[float, float], slice_spacing: float
) -> np.ndarray:
    """Returns the lung region of a volume, uint8 `(slice, row, column)`, 1 inside.

    Better than slice by slice: what does not hang together with a lung in three dimensions (gas in
    stomach and bowel) falls out, the airway is followed from slice to slice, and the top of the
    diaphragm inside a lung stays open. Slices without lung are zeros.

    Args:
        volume: int16 `(slice, row, column)`, HU; slices in order of position, either way round.
        pixel_spacing: mm, row and column.
        slice_spacing: mm from slice to slice.

    Raises:
        LungError: No lung anywhere, or this is no volume in HU.
    """
    if volume.ndim != 3 or not len(volume):
        raise errors.LungError(
            f"volume has shape {volume.shape}, needed is (slice, row, column), one slice or more."
        )
    slices.check_slice(volume[0])
    pixel = float(np.sqrt(pixel_spacing[0] * pixel_spacing[1]))
    for wall in slices.WALLS:
        found = _extract(volume, pixel, abs(slice_spacing), wall)
        if found is not None:
            return found
    raise errors.LungError(
        f"no lung in a volume of {len(volume)} slices: nothing in it looks like lung; "
        "give axial chest CT in HU."
    )


def _extract(volume, pixel, spacing, wall):
    soft = np.empty_like(volume)
    body, air, airway = (np.empty(volume.shape, np.uint8) for _ in range(3))
    for i, hu in enumerate(volume):
        soft[i] = morphology.smooth(np.clip(hu, -1024, 2000).astype(np.int16))
        body[i], air[i] = slices.inner_air(hu, soft[i], pixel, wall)
        airway[i] = slices.airway(soft[i], air[i], body[i], pixel)
    airway = _connected_airway(airway)
    air &= 1 - airway
    lung = _lung_regions(soft, air, pixel, spacing)
    if lung is None:
        return None
    for i in np.flatnonzero(lung.any(axis=(1, 2))):
        lung[i] = slices.closed(soft[i], lung[i], airway[i], body[i], pixel)
    return _without_domes(soft, lung, pixel)


def _connected_airway(airway):
    """Keeps the pools that hang together with the largest: the others are bullae."""
    # A pool may be missed in one slice, so neighbours are looked for one slice further.
    labels, count = ndimage.label(ndimage.maximum_filter1d(airway, 3, axis=0))
    if not count:
        return airway
    sizes = np.bincount(labels.ravel(), weights=airway.ravel())
    sizes[0] = 0
    return airway & (labels == sizes.argmax())


def _lung_regions(soft, air, pixel, spacing):
    opened = np.stack([morphology.open_(a, 1.0 / pixel) for a in air])
    gas = np.stack([_gas(s, a, pixel) for s, a in zip(soft, opened, strict=True)])
    # Gas is cut out before regions are joined, as it may bridge the diaphragm.
    labels, count = ndimage.label(opened & (1 - gas))
    sizes = np.bincount(labels.ravel(), minlength=count + 1).astype(float) * pixel**2 * spacing
    sizes[0] = 0
    chosen = sizes > max(LEAST_VOLUME, LEAST_SHARE * sizes.max())
    if not chosen.any():
        return None
    return _with_thin_parts(chosen[labels].astype(np.uint8), gas)


def _gas(soft, air, pixel):
    found = morphology.regions(air)
    dark = np.zeros(len(found.areas), bool)
    for i in np.flatnonzero(found.areas * pixel**2 > 20):
        box = found.box(i, 2)
        dark[i] = slices.is_gas(soft[box], found.labels[box] == i + 1, pixel)
    return found.mask(dark)


def _with_thin_parts(lung, gas):
    """Takes back what was too small to be told from gas, where it goes on from lung."""
    for i, before in _neighbours(len(lung)):
        if not (gas[i].any() and lung[before].any()):
            continue
        found = morphology.regions(gas[i])
        shares = np.bincount(found.labels.ravel(), lung[before].ravel())[1:] / found.areas
        lung[i] |= found.mask(shares > 0.4)
    return lung


def _neighbours(count):
    """Pairs each slice with the one before it, from one end of the volume and from the other."""
    return [(i, i - 1) for i in range(1, count)] + [(i, i + 1) for i in range(count - 2, -1, -1)]


def _without_domes(soft, lung, pixel):
    """Opens holes that were filled although the next slice has tissue there: the diaphragm."""
    solid = [
        morphology.open_((m & (s > -300)).astype(np.uint8), 3.0 / pixel)
        for s, m in zip(soft, lung, strict=True)
    ]
    for i, before in _neighbours(len(lung)):
        if not lung[before].any():
            continue
        found = morphology.regions(solid[i])
        dome = found.areas * pixel**2 > DOME_AREA
        for j in np.flatnonzero(dome):
            dome[j] = np.mean(lung[before][found.labels == j + 1]) < 0.3
        lung[i] &= 1 - found.mask(dome)
    return lung
