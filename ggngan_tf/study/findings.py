"""What the paper found about synthetic nodules (Fig. 6), and whether a study agrees.

Judged by average precision, which needs no threshold, on `synthetic` less `real`.
"""

from collections.abc import Sequence
from typing import Any

ARM, CONTROL, FIGURE = "synthetic", "real", "average_precision"
AGREES, LEANS, DISAGREES, UNTESTED = "agrees", "points that way", "does not agree", "not tested"


def judge(
    points: Sequence[dict[str, Any]], differences: Sequence[dict[str, Any]]
) -> list[dict[str, str]]:
    """Returns `finding` (the paper's), `verdict` and `sentence`, one row a finding.

    Args:
        points: As `curves.collect` returns them.
        differences: Likewise.
    """
    gains = {
        float(row["percentage"]): row[FIGURE]
        for row in differences
        if (row["arm"], row["control"]) == (ARM, CONTROL) and _is_number(row["percentage"])
    }
    ggns = {p["percentage"]: p["real_ggns"] for p in points if p["arm"] == CONTROL}
    return [
        _gain("gain at 30 to 70% of the data", {p: g for p, g in gains.items() if 30 <= p <= 70}),
        _none("no gain at 10%", {p: g for p, g in gains.items() if p <= 10}),
        _none("plateau: no gain over 70%", {p: g for p, g in gains.items() if p > 70}),
        _best("the largest gain near 50%, about 100 GGNs", gains, ggns),
    ]


def _gain(finding, gains):
    if not gains:
        return _row(finding, UNTESTED, "no subset of 30 to 70% was run.")
    sure = [p for p, g in gains.items() if g["low"] > 0]
    better = [p for p, g in gains.items() if g["value"] > 0]
    mostly = 2 * len(better) > len(gains)
    verdict = AGREES if sure and mostly else LEANS if sure or mostly else DISAGREES
    return _row(
        finding,
        verdict,
        f"average precision changed by {_listed(gains)}; the interval lies above 0 at "
        f"{', '.join(f'{p:g}%' for p in sure) or 'none of them'}.",
    )


def _none(finding, gains):
    if not gains:
        return _row(finding, UNTESTED, "no such subset was run.")
    sure = [p for p, g in gains.items() if g["low"] > 0]
    said = f"average precision changed by {_listed(gains)}"
    if sure:
        where = ", ".join(f"{p:g}%" for p in sure)
        return _row(finding, DISAGREES, f"{said}; the interval lies above 0 at {where}.")
    return _row(finding, AGREES, f"{said}; no interval lies above 0.")


def _best(finding, gains, ggns):
    if len(gains) < 3:
        return _row(finding, UNTESTED, "fewer than three subsets were run.")
    best = max(gains, key=lambda p: gains[p]["value"])
    count = ggns.get(best, float("nan"))
    found = gains[best]
    near = 40 <= best <= 60 or 80 <= count <= 120
    sure = near and found["low"] > 0
    verdict = AGREES if sure else LEANS if near and found["value"] > 0 else DISAGREES
    return _row(
        finding,
        verdict,
        f"the largest change was {_signed(found)} at {best:g}%, with {count:.0f} real GGNs.",
    )


def _row(finding, verdict, sentence):
    return {"finding": finding, "verdict": verdict, "sentence": sentence}


def _listed(gains):
    return ", ".join(f"{_signed(g)} at {p:g}%" for p, g in sorted(gains.items()))


def _signed(gain):
    return f"{gain['value']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f})"


def _is_number(text):
    return str(text).replace(".", "", 1).isdigit()
