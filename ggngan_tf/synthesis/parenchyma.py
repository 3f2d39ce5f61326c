"""Where in a slice a nodule could lie: in aerated lung, off large vessels, airways and disease."""

import dataclasses
from typing import Literal

import numpy as np
from scipy import ndimage, signal, spatial

Pleura = Literal["avoid", "allow", "seek"]

# HU, ours, judged by eye on 51 slices of 37 patients. Relative numbers count from the slice's own
# normal lung, which breath-hold, contrast and scanner move by 200 HU.
_NORMAL = (-900.0, -780.0)
_AERATED = -550.0
_EMPHYSEMA = -950.0  # the usual threshold of quantitative CT
_MEDIAN_RANGE = (-90.0, 80.0)
_DENSE = 200.0
_DENSE_SHARE = 0.06
_TRUNK = 300.0
_TRUNK_WIDTH_MM = 4.0
_TRUNK_GAP_MM = 1.5
_AIR = -110.0
_AIR_SHARE = 0.10
_SMOOTHING_MM = 0.8
_MARGIN = 8  # pixels
_CHEST_WALL_MM = 6.0  # between the hull of both lungs and the chest wall, which curves inwards
_INWARD = 0.7  # of the way to the border; more leads to the mediastinum

# How far the nodule's disc stays from the lung's border, mm: least and most.
_CLEARANCE = {"avoid": (2.0, np.inf), "allow": (0.5, np.inf), "seek": (0.5, 3.0)}


@dataclasses.dataclass(frozen=True, eq=False)
class Parenchyma:
    """What one slice offers; arrays are `(row, column)`.

    Attributes:
        spacing: mm, row and column.
        smooth: float32 HU, noise reduced; 0 far from the lung.
        normal: HU of this slice's aerated lung.
        depth_mm: float32, distance to the lung's border, 0 outside; the slice's edge is a border.
        trunk_mm: float32, distance to the nearest large vessel or consolidation in the lung.
        costal: bool, whether the nearest border is the chest wall's.
    """

    spacing: tuple[float, float]
    smooth: np.ndarray
    normal: float
    depth_mm: np.ndarray
    trunk_mm: np.ndarray
    costal: np.ndarray


def study(
    hu: np.ndarray, lung: np.ndarray, spacing: tuple[float, float], midline: float
) -> Parenchyma:
    """Measures a slice once, for discs of any size.

    Args:
        hu: int16 `(row, column)`.
        lung: uint8 or bool, the same shape.
        spacing: mm, row and column.
        midline: The column that parts the two lungs.
    """
    lung = np.asarray(lung, bool)
    box = _box(lung)
    inside = lung[box]
    smooth = ndimage.gaussian_filter(hu[box].astype(np.float32), _SMOOTHING_MM / np.array(spacing))
    aerated = smooth[inside & (smooth < _AERATED)]
    normal = float(np.clip(np.median(aerated), *_NORMAL)) if aerated.size else _NORMAL[1]
    trunk = inside & (smooth > normal + _TRUNK)
    depth, costal = _depth(inside, spacing, midline - box[1].start)
    trunk_mm = _distance(ndimage.binary_opening(trunk, disc(_TRUNK_WIDTH_MM, spacing)), spacing)
    parts = (smooth, 0.0), (depth, 0.0), (trunk_mm, np.inf), (costal, False)
    smooth, depth, trunk_mm, costal = (_whole(part, box, hu.shape, fill) for part, fill in parts)
    return Parenchyma(spacing, smooth, normal, depth, trunk_mm, costal)


def suitable(parenchyma: Parenchyma, diameter_mm: float, pleura: Pleura) -> np.ndarray:
    """Returns the pixels that a disc of this diameter may be centred on, bool `(row, column)`.

    The whole disc lies in the lung, away from trunks; half of its pixels lie near the slice's
    normal lung, few are vessel or wall and few are free air.
    """
    radius = diameter_mm / 2
    least, most = _CLEARANCE[pleura]
    depth = parenchyma.depth_mm - radius
    free = (depth >= least) & (depth <= most) & (parenchyma.trunk_mm >= radius + _TRUNK_GAP_MM)
    if pleura == "seek":
        free &= parenchyma.costal
    if not free.any():
        return free
    box = ndimage.find_objects(free.astype(np.int8))[0]
    kernel = disc(diameter_mm, parenchyma.spacing)
    reach = np.array(kernel.shape) // 2
    # The disc lies in the lung wherever `free` holds, and the lung in the slice.
    window = tuple(slice(s.start - r, s.stop + r) for s, r in zip(box, reach, strict=True))
    free[box] &= _lung_like(parenchyma.smooth[window], parenchyma.normal, kernel)
    return free


def disc(diameter_mm: float, spacing: tuple[float, float]) -> np.ndarray:
    """Returns the pixels whose centres lie in a disc, bool, odd-sized and centred."""
    radius = diameter_mm / 2
    half = [int(radius / step) for step in spacing]
    row, column = np.ogrid[-half[0] : half[0] + 1, -half[1] : half[1] + 1]
    return (row * spacing[0]) ** 2 + (column * spacing[1]) ** 2 <= radius**2


def _box(lung):
    """The lung's bounding box and a margin for smoothing: half of a slice or less."""
    found = ndimage.find_objects(lung.astype(np.int8))
    if not found:
        return slice(0, 1), slice(0, 1)
    return tuple(
        slice(max(part.start - _MARGIN, 0), min(part.stop + _MARGIN, size))
        for part, size in zip(found[0], lung.shape, strict=True)
    )


def _whole(part, box, shape, fill):
    whole = np.full(shape, fill, part.dtype)
    whole[box] = part
    return whole


def _distance(mask, spacing):
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    return ndimage.distance_transform_edt(~mask, spacing).astype(np.float32)


def _lung_like(smooth, normal, kernel):
    def share(pixels):
        counts = signal.fftconvolve(pixels.astype(np.float32), kernel, mode="valid")
        return counts / kernel.sum()

    low, high = max(normal + _MEDIAN_RANGE[0], _EMPHYSEMA), normal + _MEDIAN_RANGE[1]
    return (
        (share(smooth > high) < 0.5)
        & (share(smooth < low) < 0.5)
        & (share(smooth > normal + _DENSE) <= _DENSE_SHARE)
        & (share(smooth < normal + _AIR) <= _AIR_SHARE)
    )


def _depth(lung, spacing, midline):
    padded = np.pad(lung, 1)
    distance, nearest = ndimage.distance_transform_edt(padded, spacing, True, True)
    distance = distance[1:-1, 1:-1].astype(np.float32)
    border = nearest[:, 1:-1, 1:-1]
    column = np.arange(lung.shape[1])
    inward = (np.abs(column - midline) - np.abs(border[1] - 1 - midline)) * spacing[1]
    at_hull = _near_hull(padded, spacing)[tuple(border)]
    return distance, at_hull & (inward < _INWARD * distance)


def _near_hull(lung, spacing):
    """Returns which pixels around the lung lie at the convex hull of both: at the chest wall."""
    near = np.zeros(lung.shape, bool)
    inside = np.argwhere(lung) * spacing
    if len(inside) == 0 or np.any(np.ptp(inside, axis=0) == 0):
        return near
    facets = spatial.ConvexHull(inside).equations
    border = ndimage.binary_dilation(lung) & ~lung
    depth = -(np.argwhere(border) * spacing @ facets[:, :2].T + facets[:, 2]).max(axis=1)
    near[border] = depth <= _CHEST_WALL_MM
    return near
