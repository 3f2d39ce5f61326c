"""Reads a CSV of outlines or boxes that someone drew on the slices of a series."""

import csv
import pathlib

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data import readings

_BOX = ("top", "left", "bottom", "right")
_WHERE = ("sop_uid", "position", "slice")


def read(path: pathlib.Path, series) -> list[tuple[int, readings.Mask]]:
    """Returns the number and the mask of each nodule; mask slices are indices of the series.

    A line is a corner of an outline (columns `row`, `column`, in drawing order) or a whole box
    (`top`, `left`, `bottom`, `right`, its first and last pixels). Both have `nodule` (a number)
    and say where: `sop_uid`, `position` (mm along the patient), or `slice` (0 is nearest to the
    feet). Rows and columns count from 0 at the top left; a pixel belongs to a nodule if its centre
    lies in the outline or on it.

    Raises:
        DicomError: The file cannot be read, lacks a column, holds no numbers where numbers are
            needed, or points to a slice or pixels that are not there.
    """
    lines, boxes, where = _lines(path)
    drawn: dict[tuple[int, int], list[tuple[float, ...]]] = {}
    for number, line in enumerate(lines, start=2):
        try:
            names = _BOX if boxes else ("row", "column")
            key = int(line["nodule"]), _slice(line, where, series)
            drawn.setdefault(key, []).append(tuple(float(line[name]) for name in names))
        except (TypeError, ValueError, LookupError) as error:
            raise errors.DicomError(f"{path}, line {number}: {error}; mend the line.") from error
    size = series.volume.shape[1:]
    fill = _boxes if boxes else _outline
    pixels = {key: fill(np.array(values), size) for key, values in drawn.items()}
    for (nodule, index), filled in pixels.items():
        if filled is None:
            raise errors.DicomError(
                f"{path}: nodule {nodule} leaves slice {index} of {size[0]} x {size[1]} pixels; "
                "count rows and columns from 0 at the top left."
            )
    return _masks(pixels)


def _lines(path):
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise errors.DicomError(f"{path}: cannot be read as CSV ({error}).") from error
    columns = set(lines[0]) if lines else set()
    boxes = set(_BOX) <= columns
    where = next((name for name in _WHERE if name in columns), None)
    if "nodule" not in columns or where is None or not (boxes or {"row", "column"} <= columns):
        raise errors.DicomError(
            f"{path}: has columns {', '.join(sorted(map(str, columns))) or 'none'}; needed are "
            f"nodule, one of {', '.join(_WHERE)}, and row, column or {', '.join(_BOX)}."
        )
    return lines, boxes, where


def _slice(line, where, series):
    if where == "sop_uid":
        if line[where] not in series.sop_uids:
            raise LookupError(f"the image has no slice of sop_uid {line[where]!r}")
        return series.sop_uids.index(line[where])
    if where == "slice":
        index = int(line[where])
        if not 0 <= index < len(series.volume):
            raise LookupError(f"slice is {index}, the image has 0 to {len(series.volume) - 1}")
        return index
    heights = series.positions[:, 2]
    off = np.abs(heights - float(line[where]))
    if not off.min() <= 0.5 * (series.slice_spacing or np.inf):
        raise LookupError(
            f"position is {line[where]} mm, the image reaches from {heights.min():g} to "
            f"{heights.max():g} mm"
        )
    return int(off.argmin())


def _outline(points, size):
    from matplotlib import path as paths  # late: slow to load

    if points.min() < -0.5 or np.any(points > np.array(size) - 0.5):
        return None
    low = np.floor(points.min(axis=0)).clip(min=0).astype(int)
    high = np.ceil(points.max(axis=0)).astype(int) + 1
    inside = np.zeros(size, bool)
    frame = inside[low[0] : high[0], low[1] : high[1]]
    pixels = np.indices(frame.shape).reshape(2, -1).T + low
    curve = paths.Path(np.concatenate([points, points[:1]]), closed=True)
    # A radius grows the curve on one side only, and which one depends on its direction.
    near = curve.contains_points(pixels, radius=1e-6) | curve.contains_points(pixels, radius=-1e-6)
    frame[...] = near.reshape(frame.shape)
    return inside


def _boxes(corners, size):
    inside = np.zeros(size, bool)
    for top, left, bottom, right in corners.round().astype(int):
        if not (0 <= top <= bottom < size[0] and 0 <= left <= right < size[1]):
            return None
        inside[top : bottom + 1, left : right + 1] = True
    return inside


def _masks(pixels):
    found = []
    for nodule in sorted({nodule for nodule, _ in pixels}):
        slices = sorted(index for other, index in pixels if other == nodule)
        layers = np.stack([pixels[nodule, index] for index in slices])
        found.append((nodule, readings.Mask(np.array(slices), (0, 0), layers)))
    return found
