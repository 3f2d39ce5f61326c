"""Draws shapes of ground glass nodules: real outlines, scaled, turned and gently deformed."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import distance

from ggngan_tf import errors
from ggngan_tf.data import nodules, outlines

if TYPE_CHECKING:
    from ggngan_tf.synthesis import sites

_CORNERS = 256
_LEAST_FILL = 0.45  # ours; the 1 real outline in 10 below it follows a vessel, or is a sliver
_ALIKE = 40  # a shape comes from so many outlines of the nearest size, so that its detail fits
_RATED = 150  # what is asked to be of a malignancy comes from so many outlines rated most like it
_HARMONICS = np.array([2, 3, 4, 5])
_DEFORMATION = 0.06  # ours, judged by eye
_SMOOTHING_MM = 0.7  # along the outline, which steps from pixel to pixel as readers draw it
_JITTER = 0.05  # relative; so that diameters fall between the real ones too
_LEAST_LEFT = 0.5  # share of a shape that must lie in the lung


def draw(
    diameter_mm: float | None,
    pixel_spacing: tuple[float, float],
    random: np.random.Generator,
    *,
    templates: Sequence[np.ndarray] | None = None,
    rule: nodules.Rule = "mean",
    malignancy: float | None = None,
    deformation: float = _DEFORMATION,
) -> np.ndarray:
    """Returns the mask of a nodule shaped like a real one, uint8 `(row, column)`.

    A pixel belongs to it if its centre lies within the outline. The mask is one piece, of odd
    size, no larger than needed and centred on the outline's bounding box.

    Args:
        diameter_mm: The largest distance across; None keeps the outline's own.
        pixel_spacing: mm, row and column.
        random: Where all chance comes from; the same state gives the same mask.
        templates: Outlines to draw from, float `(corner, 2)` in mm, row and column, such as
            `templates(nodules)` gives; None takes the real ones of the LIDC annotations.
        rule: Which nodules of the annotations are ground glass.
        malignancy: 1 to 5; takes the real outlines that readers rated most like it, of nodules of
            every texture, since few that are ground glass were rated 1 or 5.
        deformation: Standard deviation of the radius around the centre, relative; 0 keeps the
            outline as the reader drew it, but for its smoothed steps.

    Raises:
        SiteError: The diameter or spacing is not above 0, or the shape is smaller than a pixel.
    """
    _check(diameter_mm, pixel_spacing)
    if templates is None:
        templates = _templates(rule, malignancy)
    outline = _choose(templates, diameter_mm, random)
    size = diameter_mm or diameter(outline)
    corners = _deform(_turn(_smooth(outline), random), deformation, random)
    mask = rasterise(corners * (size / diameter(corners)), pixel_spacing)
    if not mask.any():
        raise errors.SiteError(
            f"a nodule of {size:g} mm covers no pixel of {pixel_spacing[0]:g} x "
            f"{pixel_spacing[1]:g} mm; ask for a larger one."
        )
    return mask


def diameters(
    count: int,
    random: np.random.Generator,
    *,
    smallest: float = outlines.SMALLEST,
    largest: float = outlines.LARGEST,
    rule: nodules.Rule = "mean",
    malignancy: float | None = None,
) -> np.ndarray:
    """Returns diameters of real ground glass nodules, resampled, float64 `(count,)` in mm.

    With a malignancy rating asked for, they are those of the nodules that `draw` then takes.

    Raises:
        SiteError: No real nodule lies between `smallest` and `largest`.
    """
    real = np.array([outline.diameter for outline in _real(rule, malignancy)])
    real = real[(real >= smallest) & (real <= largest)]
    if not real.size:
        raise errors.SiteError(
            f"no ground glass nodule of the annotations measures {smallest:g} to {largest:g} mm; "
            f"widen the range, at most {outlines.SMALLEST:g} to {outlines.LARGEST:g} mm."
        )
    drawn = random.choice(real, count) * np.exp(random.normal(0, _JITTER, count))
    return np.clip(drawn, smallest, largest)


def templates(nodules_: nodules.NoduleSet) -> list[np.ndarray]:
    """Returns the outlines of a set's own masks, each float `(corner, 2)` in mm."""
    pairs = zip(nodules_.mask, nodules_.pixel_spacing, strict=True)
    return [outline_of(mask, tuple(spacing)) for mask, spacing in pairs]


def outline_of(mask: np.ndarray, pixel_spacing: tuple[float, float]) -> np.ndarray:
    """Returns the outline of a mask's largest piece, float `(corner, 2)`, row and column in mm.

    Raises:
        SiteError: The mask is empty.
    """
    if not np.any(mask):
        raise errors.SiteError("the mask is empty; mark the nodule's pixels with 1.")
    return outlines.boundary(np.asarray(mask) > 0) * pixel_spacing


def diameter(outline: np.ndarray) -> float:
    """Returns the largest distance between two corners of an outline."""
    return float(distance.pdist(outline).max())


def fill(outline: np.ndarray) -> float:
    """Returns an outline's area, relative to the circle of its diameter: 1 for a circle."""
    row, column = outline.T
    area = abs(np.dot(row, np.roll(column, -1)) - np.dot(column, np.roll(row, -1))) / 2
    return float(area / (np.pi / 4 * diameter(outline) ** 2))


def rasterise(outline: np.ndarray, pixel_spacing: tuple[float, float]) -> np.ndarray:
    """Returns the pixels whose centres lie within an outline (even-odd rule), uint8.

    Args:
        outline: float `(corner, 2)`, row and column in mm; its bounding box's centre becomes that
            of the middle pixel.
        pixel_spacing: mm, row and column.
    """
    corners = (outline - (outline.min(axis=0) + outline.max(axis=0)) / 2) / pixel_spacing
    half = np.floor(corners.max(axis=0)).astype(int)
    row, column = np.mgrid[-half[0] : half[0] + 1, -half[1] : half[1] + 1]
    inside = np.zeros(row.shape, bool)
    for (row_0, column_0), (row_1, column_1) in zip(
        corners, np.roll(corners, -1, axis=0), strict=True
    ):
        if row_0 == row_1:
            continue
        crossed = (row_0 > row) != (row_1 > row)
        along = column_0 + (row - row_0) * (column_1 - column_0) / (row_1 - row_0)
        inside ^= crossed & (column < along)
    return _tight(_one_piece(inside)).astype(np.uint8)


def place(
    mask: np.ndarray,
    site: sites.Site,
    shape: tuple[int, int],
    lung: np.ndarray | None = None,
) -> np.ndarray:
    """Returns the slice's mask with a shape centred on its site, uint8 `(row, column)`.

    Args:
        mask: uint8, odd-sized, as `draw` gives it.
        site: Where its middle pixel goes.
        shape: The slice's rows and columns.
        lung: uint8 `(row, column)`; what lies outside is cut off. None cuts nothing.

    Raises:
        SiteError: The shape reaches over the slice's border, or less than half of it is lung.
    """
    half = np.array(mask.shape) // 2
    first = np.array([site.row, site.column]) - half
    last = first + mask.shape
    where = f"slice {site.slice}, row {site.row}, column {site.column}"
    if np.any(first < 0) or np.any(last > shape):
        raise errors.SiteError(
            f"{where}: a shape of {mask.shape[0]} x {mask.shape[1]} pixels reaches over the border "
            f"of the {shape[0]} x {shape[1]} slice; move it inwards or take a smaller diameter."
        )
    placed = np.zeros(shape, np.uint8)
    placed[first[0] : last[0], first[1] : last[1]] = mask
    if lung is None:
        return placed
    kept = placed * (np.asarray(lung) > 0)
    if kept.sum() < _LEAST_LEFT * placed.sum():
        raise errors.SiteError(
            f"{where}: {kept.sum()} of the shape's {placed.sum()} pixels lie in the lung, needed "
            f"is {_LEAST_LEFT:.0%}; move it inwards or take a smaller diameter."
        )
    return kept


@functools.cache
def _templates(rule, malignancy):
    polygons = [outline.polygon for outline in _real(rule, malignancy)]
    return tuple(polygon for polygon in polygons if fill(polygon) >= _LEAST_FILL)


@functools.cache
def _real(rule, malignancy):
    if malignancy is None:
        return tuple(outlines.ground_glass(rule))
    everyone = outlines.ground_glass("none")
    return tuple(sorted(everyone, key=lambda one: abs(one.malignancy - malignancy))[:_RATED])


def _choose(candidates, wanted, random):
    sizes = np.array([diameter(outline) for outline in candidates])
    if wanted is None:
        alike = np.flatnonzero((sizes >= outlines.SMALLEST) & (sizes <= outlines.LARGEST))
        alike = alike if alike.size else np.arange(len(sizes))
    else:
        alike = np.argsort(np.abs(np.log(sizes / wanted)), kind="stable")[:_ALIKE]
    return np.asarray(candidates[random.choice(alike)], float)


def _smooth(outline):
    closed = np.vstack([outline, outline[:1]])
    steps = np.hypot(*np.diff(closed, axis=0).T)
    length = np.append(0, np.cumsum(steps))
    at = np.linspace(0, length[-1], _CORNERS, endpoint=False)
    even = np.stack([np.interp(at, length, axis) for axis in closed.T], axis=1)
    sigma = _SMOOTHING_MM * _CORNERS / length[-1]
    return ndimage.gaussian_filter1d(even, sigma, axis=0, mode="wrap")


def _turn(outline, random):
    centred = outline - outline.mean(axis=0)
    if random.random() < 0.5:
        centred = centred * (1, -1)
    angle = random.uniform(0, 2 * np.pi)
    cosine, sine = np.cos(angle), np.sin(angle)
    return centred @ np.array([[cosine, -sine], [sine, cosine]])


def _deform(outline, deformation, random):
    # A factor that depends on the angle alone cannot make an outline cross itself.
    amplitude = random.normal(0, 1, len(_HARMONICS)) / _HARMONICS
    phase = random.uniform(0, 2 * np.pi, len(_HARMONICS))
    angle = np.arctan2(outline[:, 0], outline[:, 1])[:, np.newaxis]
    wave = (amplitude * np.cos(_HARMONICS * angle + phase)).sum(axis=1)
    spread = np.sqrt((1 / _HARMONICS**2).sum() / 2)
    return outline * np.exp(deformation * wave / spread)[:, np.newaxis]


def _one_piece(inside):
    pieces, count = ndimage.label(inside)
    if count > 1:
        inside = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    return ndimage.binary_fill_holes(inside)


def _tight(inside):
    # Symmetric, so that the middle pixel stays the middle.
    if not inside.any():
        return inside
    half = np.array(inside.shape) // 2
    reach = [np.abs(np.flatnonzero(inside.any(axis=1 - i)) - half[i]).max() for i in (0, 1)]
    return inside[
        half[0] - reach[0] : half[0] + reach[0] + 1, half[1] - reach[1] : half[1] + reach[1] + 1
    ]


def _check(diameter_mm, pixel_spacing):
    if diameter_mm is not None and not (np.isfinite(diameter_mm) and diameter_mm > 0):
        raise errors.SiteError(f"diameter_mm is {diameter_mm}; give mm above 0.")
    if len(pixel_spacing) != 2 or not all(np.isfinite(s) and s > 0 for s in pixel_spacing):
        raise errors.SiteError(f"pixel spacing is {pixel_spacing}; give 2 values above 0 mm.")
