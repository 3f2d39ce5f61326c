"""Areas under ROC curves, proportions and differences, each with its interval and test.

What SciPy and scikit-learn have is called from there; DeLong's covariance they lack.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import stats

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number and the ends of its confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclasses.dataclass(frozen=True)
class Test:
    """A difference, its standard error, the test statistic and its two-sided p-value."""

    __test__ = False  # not one of pytest's

    difference: float
    error: float
    statistic: float
    p_value: float


def delong(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns areas under ROC curves of the same cases, and their covariance.

    Args:
        labels: bool or 0 and 1, `(cases,)`.
        scores: `(curves, cases)` or `(cases,)`, higher for 1; ties count half.

    Returns:
        areas: float64 `(curves,)`.
        covariance: float64 `(curves, curves)`.

    Raises:
        ValueError: A class has fewer than 2 cases, or a score is not finite.

    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 1988; 44: 837-845. The structural
    components come from mid-ranks (Sun and Xu, IEEE Signal Processing Letters 2014).
    """
    positive, negative = _by_class(labels, np.atleast_2d(np.asarray(scores, float)))
    m, n = positive.shape[1], negative.shape[1]
    both = stats.rankdata(np.concatenate([positive, negative], axis=1), axis=1)
    by_positive = (both[:, :m] - stats.rankdata(positive, axis=1)) / n
    by_negative = 1 - (both[:, m:] - stats.rankdata(negative, axis=1)) / m
    covariance = np.atleast_2d(np.cov(by_positive)) / m + np.atleast_2d(np.cov(by_negative)) / n
    return by_positive.mean(axis=1), covariance


def auc(labels: np.ndarray, scores: np.ndarray, level: float = LEVEL) -> Estimate:
    """Returns the area under the ROC curve with DeLong's interval, on the logit scale.

    The logit keeps the interval inside 0 to 1. An area of 0 or 1 has no variance by DeLong; its
    interval is the one that Clopper and Pearson give to as many cases as the smaller class has.

    Args:
        labels: bool or 0 and 1, `(cases,)`.
        scores: `(cases,)`, higher for 1.
        level: Of confidence.

    Raises:
        ValueError: As `delong`.
    """
    return mean_auc(labels, np.asarray(scores)[None], level)


def mean_auc(labels: np.ndarray, scores: np.ndarray, level: float = LEVEL) -> Estimate:
    """Returns the mean area of several curves over the same cases; the interval as `auc`.

    Args:
        labels: bool or 0 and 1, `(cases,)`.
        scores: `(curves, cases)`: repeats of a cross-validation, or readers seen as fixed.
        level: Of confidence.

    Raises:
        ValueError: As `delong`.
    """
    areas, covariance = delong(labels, scores)
    area, variance = float(areas.mean()), float(covariance.mean())
    if area in (0.0, 1.0):
        cases = int(min(np.sum(labels), np.sum(~np.asarray(labels, bool))))
        return exact_proportion(round(area) * cases, cases, level)
    reach = stats.norm.ppf(0.5 + level / 2) * np.sqrt(variance) / (area * (1 - area))
    low, high = (1 / (1 + np.exp(-(np.log(area / (1 - area)) + side * reach))) for side in (-1, 1))
    return Estimate(area, float(low), float(high))


def compare_aucs(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> Test:
    """Returns DeLong's paired test of two areas over the same cases, `first` less `second`.

    Args:
        labels: bool or 0 and 1, `(cases,)`.
        first: `(cases,)`, higher for 1.
        second: `(cases,)`, likewise.

    Raises:
        ValueError: As `delong`.
    """
    areas, covariance = delong(labels, np.stack([first, second]))
    return _normal_test(
        areas[0] - areas[1], covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    )


def compare_independent_aucs(
    labels: np.ndarray, scores: np.ndarray, other_labels: np.ndarray, other_scores: np.ndarray
) -> Test:
    """Returns the test of two areas over different cases, the first less the second.

    Raises:
        ValueError: As `delong`.
    """
    (first,), ((variance,),) = delong(labels, scores)
    (second,), ((other,),) = delong(other_labels, other_scores)
    return _normal_test(first - second, variance + other)


def bootstrap(
    statistic: Callable[[np.ndarray], float],
    groups: np.ndarray,
    *,
    strata: np.ndarray | None = None,
    rounds: int = 2000,
    seed: int = 0,
    level: float = LEVEL,
) -> Estimate:
    """Returns a statistic with its percentile interval, drawing whole groups (patients).

    Args:
        statistic: Takes the drawn rows, int `(rows,)`, with repeats; NaN where it has no value.
        groups: `(cases,)`, the patient of each case; rows of one patient are drawn together.
        strata: `(cases,)`; as many groups are drawn from each stratum as it has, so that each
            class stays as large as it is. None for one stratum.
        rounds: Draws.
        seed: Same seed, same interval.
        level: Of confidence.
    """
    groups = np.unique(np.asarray(groups), return_inverse=True)[1]
    strata = np.zeros(len(groups), int) if strata is None else np.asarray(strata)
    members = [_members(groups, np.flatnonzero(strata == s)) for s in np.unique(strata)]
    random = np.random.default_rng(seed)
    values = [statistic(_draw(members, random)) for _ in range(rounds)]
    low, high = np.nanquantile(values, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(float(statistic(np.arange(len(groups)))), float(low), float(high))


def wilson(successes: int, total: int, level: float = LEVEL) -> Estimate:
    """Returns a proportion with Wilson's score interval.

    Raises:
        ValueError: `total` is below 1, or `successes` outside 0 to `total`.
    """
    return _proportion(successes, total, level, "wilson")


def exact_proportion(successes: int, total: int, level: float = LEVEL) -> Estimate:
    """Returns a proportion with the exact interval of Clopper and Pearson.

    Raises:
        ValueError: `total` is below 1, or `successes` outside 0 to `total`.
    """
    return _proportion(successes, total, level, "exact")


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the exact two-sided p-value of McNemar's test of two proportions of the same cases.

    Args:
        first: bool `(cases,)`.
        second: bool `(cases,)`.
    """
    first, second = np.asarray(first, bool), np.asarray(second, bool)
    only, other = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    return float(stats.binomtest(only, only + other).pvalue) if only + other else 1.0


def cliffs_delta(first: np.ndarray, second: np.ndarray) -> float:
    """Returns P(first > second) - P(first < second), -1 to 1; 0 where neither tends to be higher.

    Source: Cliff, Psychological Bulletin 1993; 114: 494-509.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    pairs = len(first) * len(second)
    return float(2 * stats.mannwhitneyu(first, second).statistic / pairs - 1)


def hedges_g(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the standardised difference of two means, corrected for small samples.

    NaN where neither sample varies.

    Source: Hedges, Journal of Educational Statistics 1981; 6: 107-128.
    """
    m, n = len(first), len(second)
    freedom = m + n - 2
    pooled = ((m - 1) * np.var(first, ddof=1) + (n - 1) * np.var(second, ddof=1)) / freedom
    if pooled == 0:
        return float("nan")
    correction = 1 - 3 / (4 * freedom - 1)
    return float((np.mean(first) - np.mean(second)) / np.sqrt(pooled) * correction)


def _by_class(labels, scores):
    labels = np.asarray(labels).astype(bool)
    if not np.all(np.isfinite(scores)):
        raise ValueError("scores hold NaN or infinity; give each case a finite score.")
    positive, negative = scores[:, labels], scores[:, ~labels]
    if min(positive.shape[1], negative.shape[1]) < 2:
        raise ValueError(
            f"{positive.shape[1]} cases are labelled 1 and {negative.shape[1]} are 0; "
            "needed are 2 or more of each."
        )
    return positive, negative


def _normal_test(difference, variance):
    difference, error = float(difference), float(np.sqrt(max(variance, 0.0)))
    if error == 0:
        certain = 1.0 if difference == 0 else 0.0
        return Test(difference, 0.0, 0.0 if certain else float("inf"), certain)
    statistic = difference / error
    return Test(difference, error, statistic, float(2 * stats.norm.sf(abs(statistic))))


def _members(groups, rows):
    return [rows[groups[rows] == g] for g in np.unique(groups[rows])]


def _draw(members, random):
    drawn = []
    for stratum in members:
        drawn += [stratum[i] for i in random.integers(len(stratum), size=len(stratum))]
    return np.concatenate(drawn)


def _proportion(successes, total, level, method):
    if total < 1 or not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is not a proportion; needed is 0 to total of 1.")
    interval = stats.binomtest(int(successes), int(total)).proportion_ci(level, method=method)
    return Estimate(successes / total, float(interval.low), float(interval.high))
