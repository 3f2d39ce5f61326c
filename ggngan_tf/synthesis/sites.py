"""Finds plausible places for nodules in the lung, or reads a user's own from a table."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from ggngan_tf import errors
from ggngan_tf.synthesis import parenchyma, shapes

_SLAB_MM = 100.0  # ours; a thinner stack has no upper, middle and lower zone
_SMALLEST_MM, _SHRINK = 5.0, 0.8  # a drawn diameter that fits nowhere shrinks so, down to this
_ZONE_SHARE = 0.03  # ours; a zone with less of the lung than this is joined by chance only


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """Where one nodule goes.

    Attributes:
        slice: Index of the slice in the volume.
        row: The centre's row in the slice.
        column: The centre's column.
        diameter_mm: The nodule's largest diameter.
        zone: Such as `right upper` or, in a thin stack, `left posterior`; the patient's right is
            at the low columns, as in an axial slice.
        source: `found`, or the table's file and line.
    """

    slice: int
    row: int
    column: int
    diameter_mm: float
    zone: str = ""
    source: str = "found"


def find(
    volume: np.ndarray,
    lung: np.ndarray,
    pixel_spacing: tuple[float, float],
    slice_spacing: float | None,
    count: int,
    random: np.random.Generator,
    *,
    diameters_mm: float | Sequence[float] | None = None,
    pleura: parenchyma.Pleura = "avoid",
    gap_mm: float = 10.0,
) -> list[Site]:
    """Returns `count` sites in aerated lung, in the order of the diameters asked for.

    The zones of the lung take turns, so that the sites spread; within a zone every suitable pixel
    is as likely as any other. The same arguments and generator state give the same sites.

    Args:
        volume: int16 HU `(slice, row, column)`, feet first; one slice is enough.
        lung: uint8, the same shape.
        pixel_spacing: mm, row and column.
        slice_spacing: mm between slices; None where unknown, which keeps sites apart in the plane
            whatever their slices.
        count: How many.
        random: Where all chance comes from.
        diameters_mm: One for all, or one a site; None draws them from real nodules and
            shrinks one that fits nowhere, down to 5 mm.
        pleura: `avoid` keeps 2 mm away from it, `allow` does not, `seek` lies within 3 mm of it.
        gap_mm: Least distance between the borders of two nodules.

    Raises:
        SiteError: Fewer than `count` fit, or the arguments contradict each other.
    """
    _check(volume, lung, count, diameters_mm)
    field = _Field(volume, np.asarray(lung, bool), pixel_spacing, slice_spacing, pleura, gap_mm)
    drawn = diameters_mm is None
    wanted = shapes.diameters(count, random) if drawn else np.broadcast_to(diameters_mm, count)
    placed: dict[int, Site] = {}
    for index in np.argsort(-wanted, kind="stable"):  # large ones first, while there is room
        site = _place(field, float(wanted[index]), list(placed.values()), random, drawn)
        if site is None:
            raise _too_few(len(placed), count, float(wanted[index]), drawn, pleura)
        placed[int(index)] = site
    return [placed[index] for index in range(count)]


def _place(field, diameter, others, random, may_shrink):
    site = field.site(diameter, others, random)
    while site is None and may_shrink and diameter > _SMALLEST_MM:
        diameter = max(_SHRINK * diameter, _SMALLEST_MM)
        site = field.site(diameter, others, random)
    return site


class _Field:
    """A volume with what has been measured of it so far."""

    def __init__(self, volume, lung, spacing, slice_spacing, pleura, gap):
        self.lung, self.spacing, self.pleura, self.gap = lung, spacing, pleura, gap
        self.slice_spacing = slice_spacing
        self.midline = _midline(volume, lung)
        self.zones = _Zones(lung, self.midline, slice_spacing)

        # Few slices at once, so that a scan of any length fits into memory.
        @functools.lru_cache(maxsize=32)
        def study(index):
            return parenchyma.study(volume[index], lung[index], spacing, self.midline)

        @functools.lru_cache(maxsize=256)
        def suitable(index, diameter):
            free = parenchyma.suitable(study(index), diameter, pleura)
            for neighbour in self._neighbours(index, diameter):
                free &= study(neighbour).depth_mm >= diameter / 2 * np.sqrt(0.75)
            return free

        self.suitable = suitable

    def site(self, diameter, others, random):
        """Returns a site in the zone that has fewest, or None where no zone has room."""
        names = self.zones.names
        ties = random.random(len(names))
        taken = [sum(other.zone == name for other in others) for name in names]
        for which in np.lexsort((ties, taken)):
            zone = names[which]
            for index in self.zones.slices(zone, random):
                free = self.suitable(index, diameter) & self.zones.mask(zone, index)
                free &= self._apart(index, diameter, others)
                pixels = np.argwhere(free)
                if len(pixels):
                    row, column = (int(v) for v in pixels[random.integers(len(pixels))])
                    return Site(
                        slice=index, row=row, column=column, diameter_mm=diameter, zone=zone
                    )
        return None

    def _neighbours(self, index, diameter):
        # A ball's section half a radius off its centre has 0.87 (root of 3/4) of its radius.
        if not self.slice_spacing:
            return []
        step = round(diameter / 4 / self.slice_spacing)
        return [i for i in {index - step, index + step} - {index} if 0 <= i < len(self.lung)]

    def _apart(self, index, diameter, others):
        row, column = np.ogrid[: self.lung.shape[1], : self.lung.shape[2]]
        free = np.ones(self.lung.shape[1:], bool)
        for other in others:
            height = (index - other.slice) * (self.slice_spacing or 0.0)
            plane = ((row - other.row) * self.spacing[0]) ** 2
            plane = plane + ((column - other.column) * self.spacing[1]) ** 2
            least = (diameter + other.diameter_mm) / 2 + self.gap
            free &= plane + height**2 >= least**2
        return free


class _Zones:
    """Left and right; upper, middle and lower, or anterior and posterior in a thin stack."""

    def __init__(self, lung, midline, slice_spacing):
        self.lung = lung
        held = np.flatnonzero(lung.any(axis=(1, 2)))
        self.tall = bool(slice_spacing) and np.ptp(held) * slice_spacing >= _SLAB_MM
        edges = np.linspace(held[0], held[-1] + 1, 4)
        rows = np.flatnonzero(lung.any(axis=(0, 2)))
        self.middle_row, self.midline = (rows[0] + rows[-1]) // 2, midline
        self.level = np.clip(np.digitize(np.arange(len(lung)), edges) - 1, 0, 2)
        levels = ("lower", "middle", "upper") if self.tall else ("anterior", "posterior")
        areas = {
            f"{side} {level}": self._areas(f"{side} {level}")
            for side in ("right", "left")
            for level in levels
        }
        least = _ZONE_SHARE * lung.sum()
        self.areas = {name: area for name, area in areas.items() if area.sum() >= least}
        self.names = list(self.areas)

    def mask(self, zone, index):
        """Returns the zone's pixels in a slice, bool, `(row, column)` or to be broadcast to it."""
        side, level = zone.split()
        row, column = np.ogrid[: self.lung.shape[1], : self.lung.shape[2]]
        mask = column < self.midline if side == "right" else column >= self.midline
        if self.tall:
            return mask & (self.level[index] == ("lower", "middle", "upper").index(level))
        front = row < self.middle_row
        return mask & (front if level == "anterior" else ~front)

    def slices(self, zone, random):
        """Gives the slices that hold some of a zone, in random order, those with more first."""
        area = self.areas[zone]
        held = np.flatnonzero(area)
        order = random.choice(held, len(held), replace=False, p=area[held] / area[held].sum())
        return [int(index) for index in order]

    def _areas(self, zone):
        return np.array([(s & self.mask(zone, i)).sum() for i, s in enumerate(self.lung)])


def _midline(volume, lung):
    # The body's middle, not the lungs': one of them may be collapsed.
    tissue = np.zeros(volume.shape[2])
    for index in np.flatnonzero(lung.any(axis=(1, 2))):
        tissue += (volume[index] > -300).sum(axis=0)
    columns = np.arange(volume.shape[2])
    return float((tissue * columns).sum() / tissue.sum()) if tissue.any() else columns.mean()


def _check(volume, lung, count, diameters):
    if volume.ndim != 3 or volume.shape != lung.shape:
        raise errors.SiteError(
            f"volume is {volume.shape} and lung {lung.shape}; "
            "give both as (slice, row, column), of one shape."
        )
    if not np.any(lung):
        raise errors.SiteError(
            f"no lung in {len(lung)} slices; give slices of the chest, or the sites in a table."
        )
    if count < 1:
        raise errors.SiteError(f"count is {count}; ask for 1 site or more.")
    if diameters is None:
        return
    found = np.atleast_1d(np.asarray(diameters, float))
    if found.size not in (1, count) or not np.all(np.isfinite(found) & (found > 0)):
        raise errors.SiteError(
            f"diameters_mm is {found.tolist()}; give one above 0 mm for all, "
            f"or one for each of the {count} sites."
        )


def _too_few(found, count, diameter, drawn, pleura):
    size = "a nodule of any size" if drawn else f"one of {diameter:g} mm"
    where = " at the pleura" if pleura == "seek" else ""
    return errors.SiteError(
        f"{found} of {count} nodules fit into the aerated lung, {size}{where} no more; "
        f"ask for {found or 'none'} of them, for smaller ones, or name the sites in a table."
    )
