"""Agreement of readers with each other, and of a reader with the same reader on repeats.

The paper says that it lacks both. Ratings are float `(reader, case)`, NaN where not read.
"""

import dataclasses
import itertools
import math
from typing import Literal

import numpy as np
from sklearn import metrics

Level = Literal["nominal", "ordinal", "interval"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """Agreement of two series of ratings of the same `cases`.

    Attributes:
        kappa: Cohen's kappa with quadratic weights; NaN where neither series varies.
        linear: The same with linear weights.
        exact: Share of cases with the same rating.
        side: Share of cases on the same side, real or fake.
    """

    cases: int
    kappa: float
    linear: float
    exact: float
    side: float


def pair(first: np.ndarray, second: np.ndarray, classes: int) -> Pair | None:
    """Returns the agreement over cases that both rated, or None where there is none.

    Args:
        first: float `(case,)`, ratings 1 to `classes`, NaN where not read.
        second: float `(case,)`, likewise.
        classes: An even number; the upper half of the scale stands for real.
    """
    both = np.isfinite(first) & np.isfinite(second)
    if not both.any():
        return None
    first, second = first[both].astype(int), second[both].astype(int)
    middle = classes / 2
    return Pair(
        cases=int(both.sum()),
        kappa=_cohen(first, second, classes, "quadratic"),
        linear=_cohen(first, second, classes, "linear"),
        exact=float(np.mean(first == second)),
        side=float(np.mean((first > middle) == (second > middle))),
    )


def pairs(ratings: np.ndarray, classes: int) -> dict[tuple[int, int], Pair]:
    """Returns the agreement of every two readers who share cases."""
    found = {
        (i, j): pair(ratings[i], ratings[j], classes)
        for i, j in itertools.combinations(range(len(ratings)), 2)
    }
    return {readers: value for readers, value in found.items() if value is not None}


def fleiss(ratings: np.ndarray, classes: int) -> float:
    """Returns Fleiss' kappa over the cases with the most common number of ratings (two or more).

    NaN where no case has two ratings, or all ratings are of one class.

    Source: Fleiss, Psychological Bulletin 1971; 76: 378-382.
    """
    counts = _counts(ratings, classes)
    sizes = counts.sum(axis=1)
    several = sizes[sizes >= 2]
    if not several.size:
        return math.nan
    raters = int(np.bincount(several.astype(int)).argmax())
    counts = counts[sizes == raters]
    observed = np.mean((np.square(counts).sum(axis=1) - raters) / (raters * (raters - 1)))
    expected = np.square(counts.sum(axis=0) / counts.sum()).sum()
    return float((observed - expected) / (1 - expected)) if expected < 1 else math.nan


def krippendorff(ratings: np.ndarray, classes: int, level: Level = "ordinal") -> float:
    """Returns Krippendorff's alpha; ratings may be missing anywhere.

    NaN where no case has two ratings, or all ratings are of one class.

    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
    """
    counts = _counts(ratings, classes)
    counts = counts[counts.sum(axis=1) >= 2]
    if not counts.size:
        return math.nan
    sizes = counts.sum(axis=1)
    coincidence = np.einsum("uc,uk,u->ck", counts, counts, 1 / (sizes - 1))
    coincidence -= np.diag(np.einsum("uc,u->c", counts, 1 / (sizes - 1)))
    totals = coincidence.sum(axis=1)
    distance = _distance(totals, level)
    expected = (np.outer(totals, totals) * distance).sum() / (totals.sum() - 1)
    observed = (coincidence * distance).sum()
    return float(1 - observed / expected) if expected > 0 else math.nan


def _cohen(first, second, classes, weights):
    labels = list(range(1, classes + 1))
    if np.ptp(np.concatenate([first, second])) == 0:
        return math.nan  # chance alone agrees on every case
    return float(metrics.cohen_kappa_score(first, second, labels=labels, weights=weights))


def _counts(ratings, classes):
    """Returns how many readers gave each case each rating, `(case, class)`."""
    scale = np.arange(1, classes + 1)
    return (np.asarray(ratings, float)[:, :, None] == scale).sum(axis=0).astype(float)


def _distance(totals, level):
    grades = np.arange(totals.size, dtype=float)
    if level == "nominal":
        return 1.0 - np.eye(totals.size)
    if level == "interval":
        return np.subtract.outer(grades, grades) ** 2
    # From the middle of one class to the middle of another, in numbers of ratings.
    middle = np.cumsum(totals) - totals / 2
    return np.subtract.outer(middle, middle) ** 2
