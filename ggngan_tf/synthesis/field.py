"""Searches a scan for a nodule's site, zone by zone, and remembers what it has measured."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ggngan_tf.synthesis import parenchyma, zones

if TYPE_CHECKING:
    from ggngan_tf.synthesis import sites

_SECTION = np.sqrt(0.75)  # of a ball's radius, half a radius off its centre


class Field:
    """A scan to be searched; the arguments are those of `sites.find`."""

    def __init__(
        self,
        volume: np.ndarray,
        lung: np.ndarray,
        spacing: tuple[float, float],
        slice_spacing: float | None,
        pleura: parenchyma.Pleura,
        gap_mm: float,
        orientation: Sequence[float],
    ):
        self.shape, self.spacing, self.slice_spacing = lung.shape, spacing, slice_spacing
        self.gap_mm = gap_mm
        self.zones = zones.Zones(volume, lung, slice_spacing, orientation)

        # Few slices at once, so that a scan of any length fits into memory.
        @functools.lru_cache(maxsize=32)
        def study(index):
            return parenchyma.study(volume[index], lung[index], spacing, self.zones.midline)

        @functools.lru_cache(maxsize=256)
        def suitable(index, diameter_mm):
            free = parenchyma.suitable(study(index), diameter_mm, pleura)
            for neighbour in self._neighbours(index, diameter_mm) if free.any() else []:
                free &= study(neighbour).depth_mm >= _SECTION * diameter_mm / 2
            return free

        self._suitable = suitable

    def search(
        self, diameter_mm: float, others: list[sites.Site], random: np.random.Generator
    ) -> tuple[int, int, int, str] | None:
        """Returns slice, row, column and zone of a site, or None where no zone has room.

        The zone that holds fewest of the `others` comes first, and chance decides between equals.
        """
        taken = [sum(other.zone == name for other in others) for name in self.zones.names]
        for which in np.lexsort((random.random(len(taken)), taken)):
            zone = self.zones.names[which]
            for index in self.zones.slices(zone, random):
                free = self._suitable(index, diameter_mm) & self.zones.mask(zone)
                pixels = np.argwhere(free & self._apart(index, diameter_mm, others))
                if len(pixels):
                    row, column = pixels[random.integers(len(pixels))]
                    return index, int(row), int(column), zone
        return None

    def _neighbours(self, index, diameter_mm):
        step = round(diameter_mm / 4 / self.slice_spacing) if self.slice_spacing else 0
        return [i for i in (index - step, index + step) if step and 0 <= i < self.shape[0]]

    def _apart(self, index, diameter_mm, others):
        row, column = np.ogrid[: self.shape[1], : self.shape[2]]
        free = np.ones(self.shape[1:], bool)
        for other in others:
            height = (index - other.slice) * (self.slice_spacing or 0.0)
            down, across = (row - other.row) * self.spacing[0], column - other.column
            squared = height**2 + down**2 + (across * self.spacing[1]) ** 2
            free &= squared >= ((diameter_mm + other.diameter_mm) / 2 + self.gap_mm) ** 2
        return free
