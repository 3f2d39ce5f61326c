"""Pictures of slices before and after, in lung window."""

import pathlib

import matplotlib
import numpy as np
from matplotlib import figure, patches

from ggngan_tf import config, files

_HALF = 32  # pixels around a nodule in the enlarged pictures

Pair = tuple[np.ndarray, np.ndarray, tuple[int, int]]


def draw(pairs: list[Pair]) -> figure.Figure:
    """Returns one row a nodule: the slice with its place marked, the place before and after.

    Args:
        pairs: Slices before and after, int16 `(row, column)` HU, and the nodule's row and column.
    """
    with matplotlib.rc_context({"font.size": 9}):
        made = figure.Figure(figsize=(9, 3 * len(pairs)), layout="constrained")
        axes = made.subplots(len(pairs), 3, squeeze=False)
        for row, (before, after, centre) in zip(axes, pairs, strict=True):
            _show(row[0], after, "synthetic")
            _frame(row[0], centre)
            box = around(centre, after.shape)
            _show(row[1], before[box], "before")
            _show(row[2], after[box], "after (synthetic)")
    return made


def write(pairs: list[Pair], path: pathlib.Path) -> None:
    """Writes `draw(pairs)` as PNG.

    Raises:
        OutputError: `path` cannot be written.
    """
    with files.atomic_file(path) as temporary:
        draw(pairs).savefig(temporary, dpi=100, metadata={"Software": None})


def _show(axis, image, title):
    low, high = config.LUNG_WINDOW
    axis.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    axis.set_title(title)
    axis.set_axis_off()


def _frame(axis, centre):
    corner = (centre[1] - _HALF, centre[0] - _HALF)
    side = 2 * _HALF
    axis.add_patch(patches.Rectangle(corner, side, side, fill=False, edgecolor="#56b4e9"))


def around(centre: tuple[int, int], shape: tuple[int, int]) -> tuple[slice, slice]:
    """Returns the rows and columns of the 64 x 64 pixels around a centre, kept in the slice."""
    starts = [
        min(max(at - _HALF, 0), max(size - 2 * _HALF, 0))
        for at, size in zip(centre, shape, strict=True)
    ]
    return tuple(slice(start, start + 2 * _HALF) for start in starts)
