"""Charts of the reports, as SVG; the one room that draws with matplotlib.

Blue is real and orange is synthetic, in colours that the colour-blind tell apart (Okabe and Ito),
and line styles or hatches say the same once more.
"""

import io
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib import figure

REAL, SYNTHETIC = "#0072b2", "#d55e00"
_OTHERS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "svg.fonttype": "path",  # letters as outlines, so that a page needs no font
    "svg.hashsalt": "ggngan",
}


def histograms(panels: Sequence[tuple[str, np.ndarray, np.ndarray]], columns: int = 3) -> bytes:
    """Returns a grid of histograms, real over synthetic (Fig. 5a).

    Args:
        panels: A title, real values and synthetic values each.
        columns: Panels a row.
    """
    rows = -(-len(panels) // columns)
    with matplotlib.rc_context(_STYLE):
        drawing = figure.Figure(figsize=(3.2 * columns, 2.3 * rows), layout="constrained")
        axes = drawing.subplots(rows, columns, squeeze=False).ravel()
        for axis, (title, real, synthetic) in zip(axes, panels, strict=False):
            edges = np.histogram_bin_edges(np.concatenate([real, synthetic]), 16)
            axis.hist(real, edges, color=REAL, alpha=0.55, label="real")
            style = {"histtype": "step", "edgecolor": SYNTHETIC, "linewidth": 1.8}
            axis.hist(synthetic, edges, label="synthetic", **style)
            axis.set_title(title)
            axis.ticklabel_format(axis="x", style="sci", scilimits=(-3, 4))
        for axis in axes[len(panels) :]:
            axis.axis("off")
        axes[0].set_ylabel("nodules")
        axes[0].legend(frameon=False)
        return _svg(drawing)


def roc(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> bytes:
    """Returns ROC curves in one square (Fig. 5b).

    Args:
        curves: False and true positive rates by the name that the legend shows.
    """
    with matplotlib.rc_context(_STYLE):
        drawing = figure.Figure(figsize=(4.6, 4.4), layout="constrained")
        axis = drawing.subplots()
        axis.plot([0, 1], [0, 1], color="#8c959f", linewidth=1, label="guessing")
        for i, (name, (false, true)) in enumerate(curves.items()):
            axis.plot(false, true, color=_OTHERS[i], linestyle=_DASHES[i], label=name)
        axis.set(xlabel="real called synthetic", ylabel="synthetic called synthetic")
        axis.set(xlim=(0, 1), ylim=(0, 1.005), aspect="equal")
        axis.legend(frameon=False, loc="lower right")
        return _svg(drawing)


def p_values(ours: np.ndarray, paper: np.ndarray, alpha: float) -> bytes:
    """Returns the p-values of all features beside the paper's, each sorted for itself.

    Those below 1e-6 are drawn at 1e-6.

    Args:
        ours: `(features,)`.
        paper: `(features,)`.
        alpha: Below it a feature differs.
    """
    with matplotlib.rc_context(_STYLE):
        drawing = figure.Figure(figsize=(6.4, 3.0), layout="constrained")
        axis = drawing.subplots()
        rank = np.arange(1, len(ours) + 1)
        ours, paper = (np.sort(p.clip(1e-6))[::-1] for p in (ours, paper))
        axis.plot(rank, ours, "o", color=SYNTHETIC, markersize=3.5, label="this set")
        axis.plot(rank, paper, "x", color="#57606a", markersize=4, label="the paper")
        axis.axhline(alpha, color="#1b1f24", linewidth=1, linestyle="--")
        axis.annotate(f"p = {alpha}", (1, alpha), ha="left", va="top")
        axis.set(yscale="log", xlabel="features, by falling p", ylabel="p (Kolmogorov-Smirnov)")
        axis.set_ylim(bottom=5e-7)
        axis.legend(frameon=False)
        return _svg(drawing)


def training(steps: np.ndarray, series: Mapping[str, np.ndarray], columns: int = 3) -> bytes:
    """Returns one small panel for each series of a training run.

    Args:
        steps: `(reports,)`.
        series: `(reports,)` by name; NaN where a report lacks it.
        columns: Panels a row.
    """
    rows = -(-len(series) // columns)
    with matplotlib.rc_context(_STYLE):
        drawing = figure.Figure(figsize=(3.2 * columns, 1.9 * rows), layout="constrained")
        axes = drawing.subplots(rows, columns, squeeze=False).ravel()
        for axis, (name, values) in zip(axes, series.items(), strict=False):
            known = np.isfinite(values)
            marker = "o" if known.sum() < 20 else None
            axis.plot(steps[known], values[known], color=REAL, linewidth=1.1, marker=marker, ms=3)
            axis.set_title(name)
        for axis in axes[len(series) :]:
            axis.axis("off")
        return _svg(drawing)


def _svg(drawing):
    file = io.BytesIO()
    drawing.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()
