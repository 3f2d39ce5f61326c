"""Parts the lungs into zones, so that sites can be spread over them."""

from collections.abc import Sequence

import numpy as np

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)  # supine, as nearly every chest CT is stored
_SLAB_MM = 100.0  # ours; a thinner stack has no upper, middle and lower zone
_LEAST_SHARE = 0.03  # ours; less of the lung than this is no zone of its own
_SOFT_TISSUE = -300  # HU
_LEVELS = ("lower", "middle", "upper")


class Zones:
    """Right and left; lower, middle and upper, or anterior and posterior in a thin stack.

    Args:
        volume: int16 HU `(slice, row, column)`, feet first.
        lung: bool, the same shape.
        slice_spacing: mm between slices, None where unknown.
        orientation: Direction cosines of a row and of a column, 6 numbers.

    Attributes:
        names: The zones that hold some lung, such as `right upper` or `left posterior`.
        midline: The column that parts the sides.
    """

    def __init__(
        self,
        volume: np.ndarray,
        lung: np.ndarray,
        slice_spacing: float | None,
        orientation: Sequence[float] = AXIAL,
    ):
        self.shape = lung.shape
        self.midline = _midline(volume, lung)
        self._boxes = _boxes(lung, self.midline, slice_spacing, orientation)
        areas = {name: _areas(lung, box) for name, box in self._boxes.items()}
        least = _LEAST_SHARE * lung.sum()
        self._areas = {name: area for name, area in areas.items() if area.sum() >= least}
        self.names = list(self._areas)

    def mask(self, zone: str) -> np.ndarray:
        """Returns the zone's part of a slice, bool `(row, column)`."""
        mask = np.zeros(self.shape[1:], bool)
        mask[self._boxes[zone][1:]] = True
        return mask

    def slices(self, zone: str, random: np.random.Generator) -> list[int]:
        """Returns the slices that hold some of a zone, in random order, by their share of it."""
        area = self._areas[zone]
        held = np.flatnonzero(area)
        share = area[held] / area[held].sum()
        return [int(i) for i in random.choice(held, len(held), replace=False, p=share)]

    def of(self, index: int, row: int, column: int) -> str:
        """Returns the zone that a pixel lies in."""
        place = (index, row, column)
        return next(
            name
            for name, box in self._boxes.items()
            if all(part.start <= at < part.stop for part, at in zip(box, place, strict=True))
        )


def _boxes(lung, midline, slice_spacing, orientation):
    slices, rows, columns = lung.shape
    middle = int(np.ceil(midline))
    sides = _halves(columns, middle, ("right", "left"), orientation[0] < 0)
    held = np.flatnonzero(lung.any(axis=(1, 2)))
    if slice_spacing and np.ptp(held) * slice_spacing >= _SLAB_MM:
        edges = [0, *np.linspace(held[0], held[-1] + 1, 4).round().astype(int)[1:3], slices]
        levels = {name: slice(*edges[i : i + 2]) for i, name in enumerate(_LEVELS)}
        return {
            f"{side} {level}": (part, slice(0, rows), half)
            for side, half in sides.items()
            for level, part in levels.items()
        }
    held = np.flatnonzero(lung.any(axis=(0, 2)))
    fronts = _halves(
        rows, int(held[0] + held[-1] + 1) // 2, ("anterior", "posterior"), orientation[4] < 0
    )
    return {
        f"{side} {front}": (slice(0, slices), part, half)
        for side, half in sides.items()
        for front, part in fronts.items()
    }


def _halves(length, middle, names, swapped):
    first, second = names[::-1] if swapped else names
    return {first: slice(0, middle), second: slice(middle, length)}


def _areas(lung, box):
    areas = np.zeros(len(lung), int)
    areas[box[0]] = np.count_nonzero(lung[box], axis=(1, 2))
    return areas


def _midline(volume, lung):
    # The body's middle, not the lungs': one of them may be collapsed.
    tissue = np.zeros(volume.shape[2])
    for index in np.flatnonzero(lung.any(axis=(1, 2))):
        tissue += np.count_nonzero(volume[index] > _SOFT_TISSUE, axis=0)
    columns = np.arange(volume.shape[2])
    return float((tissue * columns).sum() / tissue.sum()) if tissue.any() else columns.mean()
