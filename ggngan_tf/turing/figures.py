"""Pictures of a scored reading, after Fig. 4 of the paper; SVG, so that they print sharp."""

import pathlib
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import figure
from sklearn import metrics

from ggngan_tf.turing import design as design_

# Okabe and Ito: told apart by colour-blind readers too.
REAL, SYNTHETIC, GREY = "#0072B2", "#D55E00", "#777777"
_LABELS = [name.replace(" ", "\n") for name in design_.CLASSES]


def write(table: pd.DataFrame, results: dict[str, Any], folder: pathlib.Path) -> None:
    """Writes `distribution.svg`, `confusion.svg`, `roc.svg` and `session.svg`.

    Args:
        table: Unblinded readings.
        results: What `score.score` returned for them.
        folder: Where to.
    """
    drawn = {
        "distribution": distribution(results["pooled"]["distribution"]),
        "confusion": confusion(results["pooled"]["confusion"]),
        "roc": curves(table[table["occasion"] == 1]),
        "session": session(results["learning"]),
    }
    for name, picture in drawn.items():
        # No date inside: the same results give the same bytes.
        picture.savefig(folder / f"{name}.svg", metadata={"Date": None})


def distribution(counts: dict[str, list[int]]) -> figure.Figure:
    """Returns bars of the four classes for synthetic and real cases (Fig. 4a, b)."""
    picture, axes = _axes(1, 2, (8, 3.2))
    for axis, kind, colour in zip(axes, ("synthetic", "real"), (SYNTHETIC, REAL), strict=True):
        total = max(sum(counts[kind]), 1)
        bars = axis.bar(_LABELS, counts[kind], color=colour)
        labels = [f"{n}\n{n / total:.0%}" for n in counts[kind]]
        axis.bar_label(bars, labels, fontsize=8)
        axis.set_title(f"{kind.capitalize()} nodules ({sum(counts[kind])} readings)")
        axis.margins(y=0.2)
        axis.set_ylabel("readings")
    return picture


def confusion(counts: dict[str, int]) -> figure.Figure:
    """Returns the confusion matrix (Fig. 4c)."""
    picture, ((axis,),) = _axes(1, 1, (3.6, 3.2), squeeze=False)
    kinds = ("synthetic", "real")
    matrix = np.array(
        [[counts[f"{t}_called_{c}"] for c in ("fake", "real")] for t in kinds], dtype=float
    )
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(matrix):
        colour = "white" if share[row, column] > 0.5 else "black"
        text = f"{value:.0f}\n{share[row, column]:.0%}"
        axis.text(column, row, text, ha="center", va="center", color=colour)
    axis.set_xticks([0, 1], ["called fake", "called real"])
    axis.set_yticks([0, 1], kinds)
    axis.set_title("Confusion matrix")
    return picture


def curves(table: pd.DataFrame) -> figure.Figure:
    """Returns the ROC curve of each reader and of all together."""
    picture, ((axis,),) = _axes(1, 1, (4.4, 4.2), squeeze=False)
    for name, group in table.groupby("reader"):
        _curve(axis, group, color=GREY, linewidth=1, alpha=0.7, label=str(name))
    _curve(axis, table, color=REAL, linewidth=2.5, label="pooled")
    axis.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":")
    axis.set(xlabel="synthetic called real", ylabel="real called real", aspect="equal")
    axis.set_title("ROC curves")
    if table["reader"].nunique() <= 8:
        axis.legend(fontsize=8, frameon=False, loc="lower right")
    return picture


def session(learning: dict[str, dict[str, Any]]) -> figure.Figure:
    """Returns accuracy and time in each quarter of the readers' sessions."""
    picture, axes = _axes(1, 2, (8, 3))
    for axis, name in zip(axes, ("accuracy", "seconds"), strict=True):
        rows = [
            [np.nan if v is None else v for v in found[f"{name}_by_quarter"]]
            for found in learning.values()
        ]
        for row in rows:
            axis.plot(range(1, 5), row, color=GREY, linewidth=1, alpha=0.7)
        known = np.array(rows, float)
        if np.isfinite(known).any(axis=0).all():
            axis.plot(range(1, 5), np.nanmean(known, axis=0), color=REAL, linewidth=2.5)
        axis.set(xlabel="quarter of the session", xticks=range(1, 5))
    axes[0].set(title="Accuracy", ylim=(0, 1.02))
    axes[1].set(title="Seconds a case", ylim=(0, None))
    return picture


def _curve(axis, group, **style):
    real = group["real"].to_numpy(bool)
    if 0 < real.sum() < len(real):
        false, true, _ = metrics.roc_curve(real, group["rating"], drop_intermediate=False)
        axis.plot(false, true, **style)


def _axes(rows, columns, size, **options):
    picture = figure.Figure(figsize=size, layout="constrained")
    axes = picture.subplots(rows, columns, **options)
    for axis in np.ravel(axes):
        axis.spines[["top", "right"]].set_visible(False)
    return picture, axes
