"""Figures against the percentage of training data, as Fig. 6 draws them, with intervals."""

import io
from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib import figure

from ggngan_tf.report import figures

# Of each arm: colour (Okabe and Ito), line and marker; blue is real and orange synthetic.
_LOOKS = {
    "real": (figures.REAL, "-", "o"),
    "synthetic": (figures.SYNTHETIC, "-", "s"),
    "oversampled": ("#009e73", "--", "^"),
    "copy_paste": ("#cc79a7", "-.", "D"),
    "weighted": ("#56b4e9", ":", "v"),
    "plain": ("#57606a", ":", "x"),
    "synthetic_oversampled": ("#e69f00", "--", "P"),
}
_NAMES = {"synthetic": "real + synthetic", "synthetic_oversampled": "the same, oversampled"}
_MORE = (("#000000", "-.", "*"), ("#8c510a", ":", "h"))
Curve = Sequence[tuple[float, float, float, float]]  # percentage, value, low, high


def panels(
    drawn: Sequence[tuple[str, Mapping[str, Curve]]],
    kind: str = "svg",
    zero: bool = False,
) -> bytes:
    """Returns panels side by side, as SVG or PNG.

    Args:
        drawn: For each panel the label of its vertical axis, and its curves by arm; intervals are
            shaded where a panel has up to 2 curves, and drawn as bars where it has more.
        kind: `svg` or `png`.
        zero: Whether a panel shows differences: a line at 0 in place of an axis from 0 to 1.
    """
    with matplotlib.rc_context(figures._STYLE):
        drawing = figure.Figure(figsize=(3.7 * len(drawn), 3.1), layout="constrained")
        axes = drawing.subplots(1, len(drawn), squeeze=False)[0]
        for axis, (label, curves) in zip(axes, drawn, strict=True):
            _panel(axis, label, curves, zero)
        for axis in axes if zero else axes[:1]:  # panels of differences show one control each
            axis.legend(frameon=False, fontsize=8)
        file = io.BytesIO()
        plain = {"Date": None} if kind == "svg" else {"Software": None}
        drawing.savefig(file, format=kind, dpi=150, metadata=plain)
        return file.getvalue()


def _panel(axis, label, curves, zero):
    shaded = len(curves) <= 2
    for number, (arm, curve) in enumerate(curves.items()):
        colour, line, marker = _LOOKS.get(arm, _MORE[number % len(_MORE)])
        move = 0 if shaded else (number - (len(curves) - 1) / 2) * 0.8
        x, value, low, high = (list(part) for part in zip(*curve, strict=True))
        x = [each + move for each in x]
        name = _NAMES.get(arm, arm.replace("_", "-"))
        style = {"color": colour, "linestyle": line, "marker": marker, "markersize": 4.5}
        axis.plot(x, value, label=name, linewidth=1.6, **style)
        if shaded:
            axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        else:
            axis.vlines(x, low, high, color=colour, linewidth=0.9, alpha=0.6)
    axis.set(xlabel="training patients (%)", ylabel=label, xlim=(0, 105))
    if zero:
        axis.axhline(0, color="#1b1f24", linewidth=0.8)
    else:
        axis.set_ylim(0, 1)
