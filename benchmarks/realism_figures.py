"""Pictures of `realism.py`: a mixed gallery and its key, seeds side by side, slices, histograms."""

import pathlib
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib import figure, patches

from ggngan_tf import config, files

REAL, SYNTHETIC = "#0072b2", "#d55e00"  # as in the package's reports
_SIDE = 64  # pixels shown around a nodule


def gallery(real: np.ndarray, synthetic: np.ndarray, folder: pathlib.Path, seed: int = 0) -> None:
    """Writes `gallery.png`, numbered, in random order and orientation, and `gallery-key.png`.

    Args:
        real: `(N, row, column)`, HU, nodules in the middle.
        synthetic: Likewise.
        folder: Where to.
        seed: Of the order.
    """
    random = np.random.default_rng(seed)
    images = [*real, *synthetic]
    painted = np.arange(len(images)) >= len(real)
    order = random.permutation(len(images))
    windows = [_turned(_middle(images[i]), random) for i in order]
    for name, key in (("gallery", False), ("gallery-key", True)):
        drawing, axes = _grid(len(windows), 16)
        for number, (axis, window, at) in enumerate(zip(axes, windows, order, strict=True), 1):
            _show(axis, window)
            text = f"{number} {'synthetic' if painted[at] else 'real'}" if key else f"{number}"
            colour = (SYNTHETIC if painted[at] else REAL) if key else "black"
            axis.set_title(text, fontsize=7, color=colour, pad=2)
            if key:
                _frame(axis, colour)
        _write(drawing, folder / f"{name}.png")


def seeds(real: np.ndarray, painted: np.ndarray, path: pathlib.Path) -> None:
    """Writes one row a nodule: the real one, and the same place painted with several seeds.

    Args:
        real: `(N, row, column)`, HU.
        painted: `(seeds, N, row, column)`.
        path: PNG.
    """
    columns = 1 + len(painted)
    drawing, axes = _grid(len(real) * columns, columns, side=1.3)
    rows = np.reshape(axes, (len(real), columns))
    for row, original, others in zip(rows, real, np.moveaxis(painted, 0, 1), strict=True):
        _show(row[0], _middle(original))
        _frame(row[0], REAL)
        for axis, one in zip(row[1:], others, strict=True):
            _show(axis, _middle(one))
    rows[0, 0].set_title("real", fontsize=8)
    for number, axis in enumerate(rows[0, 1:]):
        axis.set_title(f"seed {number + 1}", fontsize=8)
    _write(drawing, path)


def pairs(before: np.ndarray, after: np.ndarray, path: pathlib.Path) -> None:
    """Writes places before (framed) and after, side by side, six pairs a row.

    Args:
        before: `(N, row, column)`, HU.
        after: The same shape.
        path: PNG.
    """
    images = [one for both in zip(before, after, strict=True) for one in both]
    drawing, axes = _grid(len(images), 12)
    for number, (axis, image) in enumerate(zip(axes, images, strict=True)):
        _show(axis, _middle(image))
        if number % 2 == 0:
            _frame(axis, REAL)
    _write(drawing, path)


def slices(
    shown: Sequence[tuple[np.ndarray, np.ndarray, tuple[int, int]]], path: pathlib.Path
) -> None:
    """Writes one row a slice: the whole of it, painted; the place before; the place after.

    Args:
        shown: The slice before and after, HU, and the nodule's row and column.
        path: PNG.
    """
    drawing = figure.Figure(figsize=(9, 3.1 * len(shown)), layout="constrained")
    axes = drawing.subplots(len(shown), 3, squeeze=False)
    for row, (before, after, centre) in zip(axes, shown, strict=True):
        _show(row[0], after)
        corner = centre[1] - _SIDE // 2, centre[0] - _SIDE // 2
        box = patches.Rectangle(corner, _SIDE, _SIDE, fill=False, edgecolor=SYNTHETIC)
        row[0].add_patch(box)
        for axis, image, title in zip(row[1:], (before, after), ("before", "after"), strict=True):
            _show(axis, _middle(image, centre))
            axis.set_title(title, fontsize=8)
    _write(drawing, path)


def histograms(
    panels: Sequence[tuple[str, np.ndarray, np.ndarray]], path: pathlib.Path, columns: int = 5
) -> None:
    """Writes a histogram each of features, real over synthetic; shares, since counts differ.

    Args:
        panels: A title, real values and synthetic values.
        path: PNG.
        columns: Panels a row.
    """
    rows = -(-len(panels) // columns)
    with matplotlib.rc_context({"font.size": 7}):
        drawing = figure.Figure(figsize=(2.6 * columns, 2.1 * rows), layout="constrained")
        axes = drawing.subplots(rows, columns, squeeze=False).ravel()
        for axis, (title, real, synthetic) in zip(axes, panels, strict=False):
            # Without the tails, which would squeeze the rest into one bar.
            low, high = np.percentile(np.concatenate([real, synthetic]), [1, 99])
            edges = np.linspace(low, high if high > low else low + 1, 17)
            for values, colour, style in (
                (real, REAL, "stepfilled"),
                (synthetic, SYNTHETIC, "step"),
            ):
                weights = np.full(len(values), 1 / len(values))
                alpha = 0.5 if style == "stepfilled" else 1
                axis.hist(values, edges, weights=weights, color=colour, histtype=style, alpha=alpha)
            axis.set_title(title, fontsize=7)
        axes[0].legend(["real", "synthetic"], frameon=False)
    _write(drawing, path)


def scatter(panels: Sequence[tuple[str, np.ndarray, np.ndarray, str]], path: pathlib.Path) -> None:
    """Writes asked against measured, a panel each: title, asked, measured, and a remark."""
    drawing = figure.Figure(figsize=(3.6 * len(panels), 3.6), layout="constrained")
    axes = drawing.subplots(1, len(panels), squeeze=False).ravel()
    for axis, (title, asked, measured, remark) in zip(axes, panels, strict=True):
        axis.plot(asked, measured, ".", color=SYNTHETIC, alpha=0.5)
        ends = [min(asked), max(asked)]
        axis.plot(ends, ends, color="#57606a", linewidth=1)
        axis.set(xlabel="asked", ylabel="measured")
        axis.set_title(f"{title}\n{remark}", fontsize=8)
    _write(drawing, path)


def _grid(count, columns, side=1.0):
    rows = -(-count // columns)
    drawing = figure.Figure(figsize=(side * columns, 1.12 * side * rows), layout="constrained")
    axes = list(drawing.subplots(rows, columns, squeeze=False).ravel())
    for axis in axes:
        axis.set_axis_off()
    return drawing, axes[:count]


def _show(axis, image):
    low, high = config.LUNG_WINDOW
    axis.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
    axis.set_axis_off()


def _frame(axis, colour):
    box = patches.Rectangle((0, 0), 1, 1, transform=axis.transAxes, fill=False)
    box.set(edgecolor=colour, linewidth=2)
    axis.add_patch(box)


def _middle(image, centre=None):
    """Returns 64 x 64 pixels around a centre, kept in the image."""
    centre = centre or [size // 2 for size in image.shape]
    starts = [
        min(max(at - _SIDE // 2, 0), size - _SIDE)
        for at, size in zip(centre, image.shape, strict=True)
    ]
    return image[starts[0] : starts[0] + _SIDE, starts[1] : starts[1] + _SIDE]


def _turned(window, random):
    turned = np.rot90(window, random.integers(4))
    return turned[:, ::-1] if random.random() < 0.5 else turned


def _write(drawing, path):
    with files.atomic_file(path) as temporary:
        drawing.savefig(temporary, format="png", dpi=110, metadata={"Software": None})
