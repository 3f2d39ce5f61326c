"""Finds plausible places for nodules in the lung, or reads a user's own from a table."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ggngan_tf import errors
from ggngan_tf.synthesis import field, parenchyma, shapes, site_table, zones

if TYPE_CHECKING:
    from ggngan_tf.data import dicom

_SLICE_MM = 5.0  # ours; where a single slice does not tell its thickness
_ROUNDING_MM = 0.01  # of coordinates in a table
_SMALLEST_MM, _SHRINK = 5.0, 0.8  # a drawn diameter that fits nowhere shrinks so, down to this


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """Where one nodule goes.

    Attributes:
        slice: Index of the slice in the volume.
        row: The centre's row in the slice.
        column: The centre's column.
        diameter_mm: The nodule's largest diameter.
        zone: The patient's, such as `right upper` or, in a thin stack, `left posterior`.
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
    malignancy: float | None = None,
    pleura: parenchyma.Pleura = "avoid",
    gap_mm: float = 10.0,
    orientation: Sequence[float] = zones.AXIAL,
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
        malignancy: 1 to 5; drawn diameters are those of real nodules that were rated like it.
        pleura: `avoid` keeps 2 mm away from it, `allow` does not, `seek` lies within 3 mm of it.
        gap_mm: Least distance between the borders of two nodules.
        orientation: Direction cosines of a row and of a column, which name the zones.

    Raises:
        SiteError: Fewer than `count` fit, or the arguments contradict each other.
    """
    inside = _lung(volume, lung)
    _check(count, diameters_mm)
    spacing = tuple(float(step) for step in pixel_spacing)
    scan = field.Field(volume, inside, spacing, slice_spacing, pleura, gap_mm, orientation)
    drawn = diameters_mm is None
    if drawn:
        diameters_mm = shapes.diameters(count, random, malignancy=malignancy)
    wanted = np.broadcast_to(diameters_mm, count)
    placed: dict[int, Site] = {}
    refused: list[float] = []
    for index in np.argsort(-wanted, kind="stable"):  # large ones first, while there is room
        diameter = float(wanted[index])
        tried = refused and (drawn or refused[-1] == diameter)
        others = list(placed.values())
        site = None if tried else _place(scan, diameter, others, random, drawn)
        if site is None:
            refused.append(diameter)
        else:
            placed[int(index)] = site
    if refused:
        raise _too_few(len(placed), count, None if drawn else min(refused), pleura)
    return [placed[index] for index in range(count)]


def read(
    path: pathlib.Path | str,
    series: dicom.Series,
    lung: np.ndarray | None,
    random: np.random.Generator,
    malignancy: float | None = None,
) -> list[Site]:
    """Returns the sites of a user's CSV table, in its order.

    Args:
        path: Columns `slice,row,column` in pixels from 0, or `x,y,z` in mm of patient coordinates
            (LPS, as DICOM has them); `diameter_mm` is optional, also line by line.
        series: The scan, such as `data.dicom` reads.
        lung: uint8 `(slice, row, column)`; each centre must lie in it. None checks nothing.
        random: Draws the diameters that the table leaves out from real nodules.
        malignancy: As in `find`.

    Raises:
        SiteError: The table cannot be read, a centre lies outside the slices or the lung, or in
            another nodule of the table.
    """
    inside = _lung(series.volume, np.ones_like(series.volume) if lung is None else lung)
    named = zones.Zones(series.volume, inside, series.slice_spacing, series.orientation)
    found: list[Site] = []
    for row in site_table.rows(path):
        place = _pixel(series, row) if row.patient else row.place
        index, at_row, column = _inside(series, inside, row, [round(at) for at in place])
        # Always drawn, so that no line changes the next.
        drawn = float(shapes.diameters(1, random, malignancy=malignancy)[0])
        site = Site(
            slice=index,
            row=at_row,
            column=column,
            diameter_mm=row.diameter_mm or drawn,
            zone=named.of(index, at_row, column),
            source=row.where,
        )
        _check_alone(site, found, series.pixel_spacing)
        found.append(site)
    return found


def _pixel(series, row):
    point = np.array(row.place) - series.positions
    along_row, along_column = np.reshape(series.orientation, (2, 3))
    height = point @ np.cross(along_row, along_column)
    index = int(np.argmin(np.abs(height)))
    reach = (series.slice_spacing or series.slice_thickness or _SLICE_MM) / 2
    if abs(height[index]) > reach + _ROUNDING_MM:
        raise errors.SiteError(
            f"{row.where}: {_point(row)} mm lies {abs(height[index]):.1f} mm off the "
            f"nearest of {len(series.positions)} slices, needed is {reach:.1f} mm; "
            "give LPS coordinates of this scan."
        )
    row_mm, column_mm = point[index] @ along_column, point[index] @ along_row
    return index, row_mm / series.pixel_spacing[0], column_mm / series.pixel_spacing[1]


def _inside(series, inside, row, place):
    shape = series.volume.shape
    where = f"{row.where}: " + (f"{_point(row)} mm is " if row.patient else "")
    pixel = f"slice {place[0]}, row {place[1]}, column {place[2]}"
    if any(not 0 <= at < size for at, size in zip(place, shape, strict=True)):
        raise errors.SiteError(
            f"{where}{pixel}, outside the scan; it has {shape[0]} slices of {shape[1]} x "
            f"{shape[2]} pixels, counted from 0."
        )
    if not inside[tuple(place)]:
        raise errors.SiteError(
            f"{where}{pixel}, outside the lung ({series.volume[tuple(place)]} HU); "
            "move it into the lung."
        )
    return place


def _check_alone(site, others, spacing):
    for other in others:
        apart = np.hypot(
            (site.row - other.row) * spacing[0], (site.column - other.column) * spacing[1]
        )
        if site.slice == other.slice and apart < max(site.diameter_mm, other.diameter_mm) / 2:
            raise errors.SiteError(
                f"{site.source}: lies {apart:.1f} mm from the site of {other.source}, within its "
                "nodule; move one of them or make it smaller."
            )


def _place(scan, diameter, others, random, may_shrink):
    found = scan.search(diameter, others, random)
    while found is None and may_shrink and diameter > _SMALLEST_MM:
        diameter = max(_SHRINK * diameter, _SMALLEST_MM)
        found = scan.search(diameter, others, random)
    if found is None:
        return None
    index, row, column, zone = found
    return Site(slice=index, row=row, column=column, diameter_mm=diameter, zone=zone)


def _lung(volume, lung):
    if volume.ndim != 3 or volume.shape != lung.shape:
        raise errors.SiteError(
            f"volume is {volume.shape} and lung {lung.shape}; "
            "give both as (slice, row, column), of one shape."
        )
    if not np.any(lung):
        raise errors.SiteError(
            f"no lung in {len(lung)} slices; give slices of the chest and their lung region."
        )
    return np.asarray(lung, bool)


def _check(count, diameters):
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


def _too_few(found, count, diameter, pleura):
    size = f"{_SMALLEST_MM:g} mm or more" if diameter is None else f"{diameter:g} mm"
    where = " at the pleura" if pleura == "seek" else ""
    fewer = f"{found}, " if found else ""
    return errors.SiteError(
        f"{found} of {count} nodules fit into the aerated lung; there is no room{where} for "
        f"one more of {size}; take {fewer}smaller ones, or name the sites in a table."
    )


def _point(row):
    return "({:g}, {:g}, {:g})".format(*row.place)
