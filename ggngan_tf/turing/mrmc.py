"""Multi-reader multi-case analysis of the AUC: what other readers and other cases would give.

Arrays are `(modality, reader, case)`; a visual Turing test has one modality. A rating is NaN where
a reader did not read a case, so that designs in which readers share all, some or none of the cases
go through the same formulas.

Sources: Obuchowski and Rockette (1995); Hillis (2007, degrees of freedom; 2014, one modality);
Gallas (2006, U-statistics).
"""

import dataclasses
import math

import numpy as np
from scipy import stats

from ggngan_tf import errors


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """A value with its standard error, degrees of freedom and 95% confidence interval."""

    value: float
    se: float
    df: float
    low: float
    high: float
    p: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Components:
    """Error variance of one reader's AUC and covariances of two AUCs (Obuchowski, Rockette).

    Attributes:
        var: Same reader, same modality.
        cov1: Same reader, other modality; NaN for one modality.
        cov2: Other reader, same modality; NaN for one reader.
        cov3: Other reader, other modality; NaN for one modality or one reader.
    """

    var: float
    cov1: float
    cov2: float
    cov3: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Test that two modalities have one AUC; `difference` is the first less the second.

    Attributes:
        difference: With its interval and p; readers and cases as the test has them.
        statistic: F, or chi-squared where readers are fixed.
        mean_squares: `T`, `R` and `TR`: of modality, reader and their interaction.
        components: Error variance and covariances.
    """

    difference: Estimate
    statistic: float
    mean_squares: dict[str, float]
    components: Components


def auc_table(ratings: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Returns each reader's trapezoidal AUC, `(modality, reader)`.

    Args:
        ratings: float `(modality, reader, case)`, higher for positive; NaN where not read.
        truth: bool `(case,)`.

    Raises:
        ReadingError: Shapes differ, or a reader has fewer than two cases of a class.
    """
    ratings, truth = _checked(ratings, truth)
    return _area(*_kernel(ratings, truth))


def covariance(ratings: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Returns the jackknife covariance of all AUCs, `(modality, reader, modality, reader)`."""
    ratings, truth = _checked(ratings, truth)
    score, weight = _kernel(ratings, truth)
    folds = np.concatenate([_without(score, weight, axis) for axis in (2, 3)], axis=-1)
    read = np.concatenate([weight.any(axis=3), weight.any(axis=2)], axis=-1)
    cases = read.sum(axis=-1, keepdims=True)
    mean = np.where(read, folds, 0).sum(axis=-1, keepdims=True) / cases
    deviation = np.where(read, folds - mean, 0) * np.sqrt((cases - 1) / cases)
    return np.einsum("ijk,lmk->ijlm", deviation, deviation)


def components(ratings: np.ndarray, truth: np.ndarray) -> Components:
    """Returns error variance and covariances, averaged over readers and modalities."""
    matrix = covariance(ratings, truth)
    modality = np.eye(matrix.shape[0], dtype=bool)[:, None, :, None]
    reader = np.eye(matrix.shape[1], dtype=bool)[None, :, None, :]
    return Components(
        var=_mean(matrix, modality & reader),
        cov1=_mean(matrix, ~modality & reader),
        cov2=_mean(matrix, modality & ~reader),
        cov3=_mean(matrix, ~modality & ~reader),
    )


def one_modality(ratings: np.ndarray, truth: np.ndarray) -> Estimate:
    """Returns the readers' mean AUC, for random readers and random cases.

    Args:
        ratings: float `(reader, case)`, NaN where not read; two readers or more.
        truth: bool `(case,)`.

    Raises:
        ReadingError: There is one reader only, or a reader has too few cases of a class.

    Source: Hillis (2014), section 5: SE^2 = (MS(R) + J max(Cov2, 0)) / J.
    """
    ratings = np.asarray(ratings, float)[None]
    areas = auc_table(ratings, truth)[0]
    readers = _several(areas.size)
    mean_square = float(np.var(areas, ddof=1))
    shared = readers * max(components(ratings, truth).cov2, 0.0)
    se = math.sqrt((mean_square + shared) / readers)
    df = _hillis(mean_square, shared, readers - 1)
    return _student(float(areas.mean()), se, df)


def random_readers(ratings: np.ndarray, truth: np.ndarray) -> Comparison:
    """Compares two modalities for random readers and random cases (F, Hillis' df).

    Raises:
        ReadingError: There are not two modalities, or there is one reader only.
    """
    areas, squares, parts = _two_modalities(ratings, truth)
    readers = areas.shape[1]
    shared = readers * max(parts.cov2 - parts.cov3, 0.0)
    error = squares["TR"] + shared
    df = _hillis(squares["TR"], shared, readers - 1)
    statistic = _ratio(squares["T"], error)
    difference = _student(_difference(areas), math.sqrt(2 / readers * error), df)
    p = float(stats.f.sf(statistic, 1, df))
    return Comparison(
        difference=dataclasses.replace(difference, p=p),
        statistic=statistic,
        mean_squares=squares,
        components=parts,
    )


def fixed_readers(ratings: np.ndarray, truth: np.ndarray) -> Comparison:
    """Compares two modalities for these very readers and random cases (chi-squared).

    Raises:
        ReadingError: There are not two modalities, or there is one reader only.
    """
    areas, squares, parts = _two_modalities(ratings, truth)
    readers = areas.shape[1]
    error = parts.var - parts.cov1 + (readers - 1) * max(parts.cov2 - parts.cov3, 0.0)
    statistic = _ratio(squares["T"], error)
    difference = _student(_difference(areas), math.sqrt(2 / readers * error), math.inf)
    p = float(stats.chi2.sf(statistic, 1))
    return Comparison(
        difference=dataclasses.replace(difference, p=p),
        statistic=statistic,
        mean_squares=squares,
        components=parts,
    )


def u_statistic(ratings: np.ndarray, truth: np.ndarray) -> Estimate:
    """Returns the AUC over all reader-case pairs with its unbiased U-statistics variance.

    Args:
        ratings: float `(reader, case)`, NaN where not read.
        truth: bool `(case,)`.

    The variance is for random readers and random cases; it can come out below 0 in small studies,
    and is then taken as 0. With one reader, only cases are random.

    Source: Gallas (2006); moments of products of two pairs that share reader, negative, positive.
    """
    score, weight = (array[0] for array in _kernel(*_checked(np.asarray(ratings)[None], truth)))
    pairs = float(weight.sum())
    moments, shares = _moments(score, weight, pairs)
    chance = moments["other"] if len(score) > 1 else moments["same reader"]
    variance = sum(moments[k] * shares[k] for k in moments if shares[k] > 0) - chance
    return _student(float(score.sum() / pairs), math.sqrt(max(variance, 0.0)), math.inf)


def _checked(ratings, truth):
    ratings, truth = np.asarray(ratings, float), np.asarray(truth, bool)
    if ratings.ndim != 3 or ratings.shape[2] != truth.size:
        raise errors.ReadingError(
            f"ratings have shape {ratings.shape}, needed is (modality, reader, {truth.size})."
        )
    read = np.isfinite(ratings)
    fewest = min(int(read[..., truth].sum(-1).min()), int(read[..., ~truth].sum(-1).min()))
    if fewest < 2:
        raise errors.ReadingError(
            f"a reader has {fewest} cases of one class, needed are 2 of each; leave the reader out."
        )
    return ratings, truth


def _kernel(ratings, truth):
    """Returns `(modality, reader, negative, positive)`: 1, 0.5 or 0, and which pairs were read."""
    negative, positive = ratings[..., ~truth][..., :, None], ratings[..., truth][..., None, :]
    weight = np.isfinite(negative) & np.isfinite(positive)
    score = np.where(weight, (positive > negative) + 0.5 * (positive == negative), 0.0)
    return score, weight


def _area(score, weight):
    return score.sum(axis=(2, 3)) / weight.sum(axis=(2, 3))


def _without(score, weight, axis):
    """Returns the AUC without each case of one class, `(modality, reader, case)`."""
    other = 5 - axis
    total, pairs = score.sum(axis=(2, 3))[..., None], weight.sum(axis=(2, 3))[..., None]
    return (total - score.sum(axis=other)) / (pairs - weight.sum(axis=other))


def _two_modalities(ratings, truth):
    areas = auc_table(ratings, truth)
    if areas.shape[0] != 2:
        raise errors.ReadingError(f"found {areas.shape[0]} modalities, needed are 2 to compare.")
    readers = _several(areas.shape[1])
    by_modality, by_reader = areas.mean(axis=1), areas.mean(axis=0)
    rest = areas - by_modality[:, None] - by_reader[None, :] + areas.mean()
    squares = {
        "T": float(readers * np.var(by_modality, ddof=1)),
        "R": float(2 * np.var(by_reader, ddof=1)),
        "TR": float((rest**2).sum() / (readers - 1)),
    }
    return areas, squares, components(ratings, truth)


def _moments(score, weight, pairs):
    """Returns the mean product of two pairs by what they share, and the share of such pairs."""
    sums, counts = _shared_sums(score), _shared_sums(weight.astype(float))
    moments = {k: sums[k] / counts[k] if counts[k] > 0 else 0.0 for k in sums}
    return moments, {k: counts[k] / pairs**2 for k in counts}


def _shared_sums(values):
    """Returns sums of products over ordered pairs that share exactly what the name says.

    Each is a sum over those that share at least this much, less those that share more.
    """
    reader = lambda axes: (values.sum(axis=axes) ** 2).sum()  # noqa: E731
    all_three, nothing = (values**2).sum(), values.sum() ** 2
    reader_negative, reader_positive, both = reader(2), reader(1), reader(0)
    one_reader, one_negative, one_positive = reader((1, 2)), reader((0, 2)), reader((0, 1))
    exact = {
        "all": all_three,
        "reader, negative": reader_negative - all_three,
        "reader, positive": reader_positive - all_three,
        "same reader": one_reader - reader_negative - reader_positive + all_three,
        "negative, positive": both - all_three,
        "negative": one_negative - reader_negative - both + all_three,
        "positive": one_positive - reader_positive - both + all_three,
    }
    return {k: float(v) for k, v in exact.items()} | {"other": float(nothing - sum(exact.values()))}


def _several(readers):
    if readers < 2:
        raise errors.ReadingError(
            f"found {readers} reader, needed are 2 or more to say what other readers would give."
        )
    return readers


def _hillis(mean_square, shared, df):
    return math.inf if mean_square == 0 else (mean_square + shared) ** 2 / (mean_square**2 / df)


def _student(value, se, df):
    half = se * float(stats.norm.ppf(0.975) if math.isinf(df) else stats.t.ppf(0.975, df))
    return Estimate(value=value, se=se, df=df, low=value - half, high=value + half)


def _mean(matrix, where):
    chosen = matrix[np.broadcast_to(where, matrix.shape)]
    return float(chosen.mean()) if chosen.size else math.nan


def _ratio(top, bottom):
    return top / bottom if bottom > 0 else math.inf if top > 0 else math.nan


def _difference(areas):
    first, second = areas.mean(axis=1)
    return float(first - second)
