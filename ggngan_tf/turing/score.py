"""Scores a reading: each reader, all together, their agreement, and what others would give."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ggngan_tf import errors
from ggngan_tf.evaluation import statistics
from ggngan_tf.turing import agreement, mrmc, readings
from ggngan_tf.turing import design as design_

_CLASSES = len(design_.CLASSES)
_ROUNDS = 1000  # bootstrap draws; ours


def score(table: pd.DataFrame, *, seed: int = 0) -> dict[str, Any]:
    """Returns everything that a study tells, ready for JSON.

    Args:
        table: Unblinded readings (`readings.unblind`).
        seed: Of the bootstrap.

    Returns:
        `readers` (one summary each), `pooled`, `agreement`, `mrmc`, `learning` and `notes` (what
        could not be computed, and why).
    """
    first = table[table["occasion"] == 1]
    notes: list[str] = []
    return {
        "readers": {
            str(name): summary(group, seed=seed) for name, group in first.groupby("reader")
        },
        "pooled": summary(first, seed=seed),
        "agreement": _agreement(table),
        "mrmc": _mrmc(first, notes),
        "learning": {
            str(name): learning(group) for name, group in table.groupby("reader", sort=True)
        },
        "notes": notes,
    }


def summary(table: pd.DataFrame, *, seed: int = 0) -> dict[str, Any]:
    """Returns distribution, confusion, accuracy, area and time of some readings.

    Real is the positive class. Proportions have Wilson's interval where each case was read once;
    else, and for the area always, whole cases are drawn by bootstrap.

    Args:
        table: Unblinded readings of first occasions.
        seed: Of the bootstrap.
    """
    real, rating = table["real"].to_numpy(bool), table["rating"].to_numpy(int)
    called_real = rating > _CLASSES / 2
    once = not table["case"].duplicated().any()
    correct = called_real == real
    return {
        "readings": len(table),
        "cases": int(table["case"].nunique()),
        "distribution": {"real": counts(rating[real]), "synthetic": counts(rating[~real])},
        "confusion": {
            "real_called_real": int(np.sum(real & called_real)),
            "real_called_fake": int(np.sum(real & ~called_real)),
            "synthetic_called_real": int(np.sum(~real & called_real)),
            "synthetic_called_fake": int(np.sum(~real & ~called_real)),
        },
        "synthetic_judged_real": judged_real(counts(rating[~real])),
        "accuracy": _proportion(correct, table["case"], once, seed),
        "real_recognised": _proportion(correct[real], table["case"][real], once, seed),
        "synthetic_recognised": _proportion(correct[~real], table["case"][~real], once, seed),
        "auc": _area(table, once, seed),
        "seconds": _seconds(table["seconds"]),
    }


def counts(ratings: np.ndarray) -> list[int]:
    """Returns how often each class was chosen, from confidently fake to confidently real."""
    return [int(np.sum(ratings == k)) for k in range(1, _CLASSES + 1)]


def judged_real(distribution: list[int]) -> dict[str, Any]:
    """Returns the shares of synthetic cases that were taken for real, with Wilson's interval.

    The paper: 19/51 (37%), of these 8/51 (16%) confidently and 11/51 (22%) leaning.

    Args:
        distribution: How often each class was chosen for synthetic cases (see `counts`).
    """
    total, leaning, confident = sum(distribution), distribution[2], distribution[3]
    parts = {"judged_real": leaning + confident, "leaning": leaning, "confident": confident}
    return {name: _share(number, total) for name, number in parts.items()}


def learning(table: pd.DataFrame) -> dict[str, Any]:
    """Returns how accuracy and time change from the first to the last case of a session.

    Args:
        table: Unblinded readings of one reader, with their positions.
    """
    table = table.sort_values("position")
    correct = ((table["rating"] > _CLASSES / 2) == table["real"]).to_numpy(float)
    seconds = table["seconds"].to_numpy(float)
    quarters = np.array_split(np.arange(len(table)), 4)
    return {
        "accuracy_by_quarter": [_mean(correct[q]) for q in quarters],
        "seconds_by_quarter": [_median(seconds[q]) for q in quarters],
        "accuracy_trend": _trend(correct),
        "seconds_trend": _trend(seconds),
    }


def _share(number, total):
    if total == 0:
        return {"count": 0, "of": 0, "share": None, "low": None, "high": None}
    found = statistics.wilson(number, total)
    return {"count": number, "of": total} | _interval(found, "share")


def _proportion(correct, cases, once, seed):
    correct, cases = np.asarray(correct), np.asarray(cases)
    if not correct.size:
        return _share(0, 0)
    if once:
        return _share(int(correct.sum()), correct.size)
    found = statistics.bootstrap(
        lambda rows: float(correct[rows].mean()), cases, rounds=_ROUNDS, seed=seed
    )
    return {"count": int(correct.sum()), "of": correct.size} | _interval(found, "share")


def _area(table, once, seed):
    real, rating = table["real"].to_numpy(bool), table["rating"].to_numpy(float)
    if min(real.sum(), (~real).sum()) < 2:
        return None
    found = statistics.bootstrap(
        lambda rows: _rank_area(rating[rows], real[rows]),
        table["case"].to_numpy(),
        strata=real,
        rounds=_ROUNDS,
        seed=seed,
    )
    result = {"value": found.value, "bootstrap": [found.low, found.high], "delong": None}
    if once:  # DeLong's variance takes all ratings as independent
        delong = statistics.auc(real, rating)
        result["delong"] = [delong.low, delong.high]
    return result


def _rank_area(rating, real):
    ranks = stats.rankdata(rating)
    positive = int(real.sum())
    above = ranks[real].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(real) - positive)))


def _seconds(values):
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return {"median": float(middle), "quartiles": [float(low), float(high)], "cases": len(values)}


def _agreement(table):
    names, _, cube = readings.cube(table)
    pairs = agreement.pairs(cube, _CLASSES)
    result = {
        "pairs": [
            {"readers": [names[i], names[j]]} | _plain(found) for (i, j), found in pairs.items()
        ],
        "fleiss_kappa": _number(agreement.fleiss(cube, _CLASSES)),
        "krippendorff_alpha": _number(agreement.krippendorff(cube, _CLASSES)),
        "repeats": {},
    }
    for name, group in table.groupby("reader"):
        found = _repeats(group)
        if found is not None:
            result["repeats"][str(name)] = _plain(found)
    return result


def _repeats(group):
    wide = group.pivot(index="case", columns="occasion", values="rating")
    if 2 not in wide or 1 not in wide:
        return None
    return agreement.pair(wide[1].to_numpy(float), wide[2].to_numpy(float), _CLASSES)


def _mrmc(first, notes):
    _, cases, cube = readings.cube(first)
    truth = first.groupby("case")["real"].first().reindex(cases).to_numpy(bool)
    enough = [
        min(np.isfinite(row[truth]).sum(), np.isfinite(row[~truth]).sum()) >= 2 for row in cube
    ]
    if not all(enough):
        notes.append(f"{len(enough) - sum(enough)} readers have fewer than 2 cases of a class.")
    cube = cube[enough]
    try:
        chosen = mrmc.one_modality(cube, truth)
    except errors.ReadingError as error:
        notes.append(f"No analysis for other readers: {error}")
        return None
    return {
        "readers": len(cube),
        "obuchowski_rockette": _plain(chosen),
        "u_statistic": _plain(mrmc.u_statistic(cube, truth)),
        "components": _plain(mrmc.components(cube[None], truth)),
        "separate_cases": bool(np.isfinite(cube).sum(axis=0).max() == 1),
    }


def _trend(values):
    """Returns Spearman's correlation with the position and its p, or None where it has none."""
    known = np.isfinite(values)
    if known.sum() < 3 or np.ptp(values[known]) == 0:
        return None
    found = stats.spearmanr(np.flatnonzero(known), values[known])
    return {"rho": float(found.statistic), "p": float(found.pvalue)}


def _interval(estimate, name):
    return {name: estimate.value, "low": estimate.low, "high": estimate.high}


def _plain(record):
    return {k: _number(v) for k, v in dataclasses.asdict(record).items()}


def _number(value):
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _mean(values):
    return float(values.mean()) if values.size else None


def _median(values):
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else None
