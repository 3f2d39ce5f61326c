"""Cuts the slices of one series that show a nodule into rows of a `NoduleSet`."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data import lungs, nodules, readings

# Ours, mm to each side of a nodule: on LIDC-IDRI-0001 the lung is the whole volume's, pixel for
# pixel, at a tenth of the time and memory.
MARGIN = 30.0
_AIR = -1024  # HU beyond the border of a slice that is smaller than the set's


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How rows are cut.

    Attributes:
        slices: Every slice of a nodule, or the one that shows most of it.
        lung: From the volume 30 mm around the nodules, from each slice alone, or not at all.
        size: Rows and columns of the set's images.
        level: Share of the readers who must agree on a pixel, LIDC only.
    """

    slices: Literal["all", "largest"] = "all"
    lung: Literal["volume", "slice", "none"] = "volume"
    size: int = 512
    level: float = 0.5


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Marked:
    """One nodule of a series.

    Attributes:
        nodule_id: Number of the nodule.
        mask: Its pixels; `mask.slices` are indices into the series' volume.
        texture: Ratings, 0 where none was given.
        malignancy: Likewise.
        subtlety: Likewise.
        patient_id: Patient, where the series does not say; empty takes the series'.
    """

    nodule_id: int
    mask: readings.Mask
    texture: tuple[int, ...] = (0,)
    malignancy: tuple[int, ...] = (0,)
    subtlety: tuple[int, ...] = (0,)
    patient_id: str = ""


def cut(
    series, marked: Sequence[Marked], settings: Settings
) -> tuple[nodules.NoduleSet | None, list[tuple[str, str]]]:
    """Returns the rows of one series, and what was left out: nodule or slice, and the reason.

    Args:
        series: `dicom.Series` or `volumes.Volume`.
        marked: Its nodules.
        settings: How to cut.
    """
    chosen, skipped = _chosen(marked, settings.slices)
    wanted = sorted({index for _, index, _ in chosen})
    found, failed = _lungs(series, wanted, settings.lung)
    skipped += [(f"slice {index}", reason) for index, reason in failed.items()]
    kept = [entry for entry in chosen if entry[1] not in failed]
    if not kept:
        return None, skipped
    return _table(series, kept, found, settings), skipped


def _chosen(marked, slices):
    """Returns (nodule, slice, which layer of its mask) of each row to be."""
    chosen, skipped = [], []
    for nodule in marked:
        filled = np.flatnonzero(nodule.mask.pixels.any(axis=(1, 2)))
        if not len(filled):
            skipped.append((f"nodule {nodule.nodule_id}", "its mask is empty"))
            continue
        layers = filled if slices == "all" else [nodule.mask.largest()]
        chosen += [(nodule, int(nodule.mask.slices[layer]), int(layer)) for layer in layers]
    return chosen, skipped


def _lungs(series, wanted, method):
    """Returns the lung region of each wanted slice, and why it is missing for some."""
    if method == "none" or not wanted:
        return None, {}
    found, failed = {}, {}
    for slab in _slabs(series, wanted, method):
        inside = [index for index in wanted if index in slab]
        volume = _slab_lung(series, slab)
        for index in inside:
            try:
                if volume is None:
                    found[index] = lungs.extract(series.volume[index], series.pixel_spacing)
                elif volume[index - slab.start].any():
                    found[index] = volume[index - slab.start]
                else:
                    failed[index] = "no lung in this slice"
            except errors.LungError as error:
                failed[index] = str(error)
    return found, failed


def _slabs(series, wanted, method) -> list[range]:
    """Returns stretches of slices around the wanted ones; single slices for the method `slice`."""
    if method == "slice" or len(series.volume) == 1:
        return [range(index, index + 1) for index in wanted]
    reach = int(np.ceil(MARGIN / series.slice_spacing))
    slabs: list[range] = []
    for index in wanted:
        start, stop = max(index - reach, 0), min(index + reach + 1, len(series.volume))
        if slabs and start <= slabs[-1].stop:
            start = slabs.pop().start
        slabs.append(range(start, stop))
    return slabs


def _slab_lung(series, slab):
    """Returns the lung region of a stretch of slices, or None where slices must do alone."""
    if len(slab) == 1:
        return None
    volume = series.volume[slab.start : slab.stop]
    try:
        return lungs.extract_volume(volume, series.pixel_spacing, series.slice_spacing)
    except errors.LungError:
        return None


def _table(series, kept, found, settings):
    size = settings.size
    full = series.volume.shape[1:]
    columns = {name: [] for name in ("image", "mask", "lung", "roi_centre", "slice_origin")}
    for nodule, index, layer in kept:
        mask = np.zeros(full, np.uint8)
        row, column = nodule.mask.origin
        drawn = nodule.mask.pixels[layer]
        mask[row : row + drawn.shape[0], column : column + drawn.shape[1]] = drawn
        centre = _centre(mask)
        origin = np.array([_start(c, n, size) for c, n in zip(centre, full, strict=True)])
        columns["image"].append(window(series.volume[index], origin, size, _AIR))
        columns["mask"].append(window(mask, origin, size, 0))
        if found is not None:
            columns["lung"].append(window(found[index], origin, size, 0))
        columns["roi_centre"].append(centre - origin)
        columns["slice_origin"].append(origin)
    return _set(series, kept, columns)


def _set(series, kept, columns):
    order = [nodule for nodule, _, _ in kept]
    picked = [index for _, index, _ in kept]
    rows = len(kept)
    patients = [nodule.patient_id or series.patient_id for nodule in order]
    return nodules.NoduleSet(
        image=np.stack(columns["image"]),
        mask=np.stack(columns["mask"]),
        lung=np.stack(columns["lung"]) if columns["lung"] else None,
        roi_centre=np.array(columns["roi_centre"], np.int32),
        slice_origin=np.array(columns["slice_origin"], np.int32),
        pixel_spacing=np.tile(np.array(series.pixel_spacing, np.float32), (rows, 1)),
        texture=padded([nodule.texture for nodule in order]),
        malignancy=padded([nodule.malignancy for nodule in order]),
        subtlety=padded([nodule.subtlety for nodule in order]),
        patient_id=np.array(patients, dtype=str),
        series_uid=np.full(rows, series.series_uid),
        sop_uid=np.array([series.sop_uids[index] for index in picked], dtype=str),
        manufacturer=np.full(rows, series.manufacturer),
        nodule_id=np.array([nodule.nodule_id for nodule in order], np.int32),
    )


def padded(ratings: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns ratings as int8 `(nodules, readers)`, as wide as the longest, filled with 0."""
    table = np.zeros((len(ratings), max(map(len, ratings), default=0)), np.int8)
    for row, given in zip(table, ratings, strict=True):
        row[: len(given)] = given
    return table


def window(image: np.ndarray, origin: np.ndarray, size: int, fill: int) -> np.ndarray:
    """Returns `size` x `size` pixels of a slice from `origin`; `fill` beyond the slice's border."""
    cut = np.full((size, size), fill, image.dtype)
    low = np.maximum(origin, 0)
    high = np.minimum(origin + size, image.shape)
    (top, left), (bottom, right) = low - origin, high - origin
    cut[top:bottom, left:right] = image[low[0] : high[0], low[1] : high[1]]
    return cut


def _centre(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([(rows[0] + rows[-1]) // 2, (columns[0] + columns[-1]) // 2])


def _start(centre, extent, size):
    """Returns where a window starts: around the centre, inside the slice where it fits in."""
    if extent <= size:
        return -((size - extent) // 2)
    return int(np.clip(centre - size // 2, 0, extent - size))
