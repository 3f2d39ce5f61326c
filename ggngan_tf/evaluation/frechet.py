"""Distances between two clouds of features, and how far each cloud covers the other.

Features are standardised by real nodules first, and cut at 5 widths; a feature that does not vary
there is left out.
"""

import dataclasses

import numpy as np
from scipy.spatial import distance

NEIGHBOURS = 5  # of the manifold estimates; Naeem et al. take 5
# Areas of zones have heavy tails: without the cut, one nodule of 50 made the Fréchet distance of
# real to real 30 in the median and 13,861 at most (40 draws); with it 18 and 49
# (`benchmarks/frechet_cut.py`).
LIMIT = 5.0


@dataclasses.dataclass(frozen=True)
class Scale:
    """Centre and width of each feature among real nodules, `(features,)`; kept ones only."""

    mean: np.ndarray
    deviation: np.ndarray
    kept: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return np.clip((features[:, self.kept] - self.mean) / self.deviation, -LIMIT, LIMIT)


def scale(real: np.ndarray) -> Scale:
    """Returns the standardisation that makes `real`, `(rows, features)`, of mean 0 and width 1."""
    deviation = real.std(axis=0, ddof=1)
    kept = deviation > 1e-12 * np.maximum(1, np.abs(real).max(axis=0))
    return Scale(real[:, kept].mean(axis=0), deviation[kept], kept)


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the squared Fréchet distance of two normal distributions fitted to the clouds.

    On radiomics this is the Fréchet radiomics distance (FRD). It falls as samples grow, also
    between equals: compare it with real against real at the same sizes only.

    Args:
        first: `(rows, features)`, standardised, 2 rows or more.
        second: `(other rows, features)`, likewise.

    Source: Dowson and Landau, Journal of Multivariate Analysis 1982; 12: 450-455. The trace of
    the root is a sum of singular values, which stays exact where rows are fewer than features.
    """
    a, b = ((x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (first, second))
    shift = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
    overlap = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(max(shift + np.sum(a**2) + np.sum(b**2) - 2 * overlap, 0.0))


def kernel_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the unbiased squared maximum mean discrepancy, polynomial kernel of degree 3.

    The kernel inception distance without Inception: on radiomics. 0 on average between equals,
    at any size; it may fall below.

    Source: Binkowski et al., ICLR 2018 (arXiv:1801.01401), equation 4.
    """
    m, n, width = len(first), len(second), first.shape[1]
    within = [((x @ x.T) / width + 1) ** 3 for x in (first, second)]
    across = ((first @ second.T) / width + 1) ** 3
    means = [
        (k.sum() - np.trace(k)) / (size * (size - 1))
        for k, size in zip(within, (m, n), strict=True)
    ]
    return float(sum(means) - 2 * across.mean())


def coverage(
    real: np.ndarray, synthetic: np.ndarray, neighbours: int = NEIGHBOURS
) -> dict[str, float]:
    """Returns `precision`, `recall`, `density` and `coverage` of the synthetic cloud.

    Precision: the part of the synthetic nodules near a real one; recall: of the real ones near a
    synthetic one; density: real balls a synthetic nodule lies in, 1 on average for equals;
    coverage: the part of the real balls with a synthetic nodule inside. A ball reaches to the
    `neighbours`-th nearest of its own kind.

    Args:
        real: `(rows, features)`, standardised.
        synthetic: `(other rows, features)`, likewise.
        neighbours: Fewer than the rows of each.

    Raises:
        ValueError: There are too few rows.

    Source: Kynkäänniemi et al., NeurIPS 2019 (precision, recall); Naeem et al., ICML 2020.
    """
    if min(len(real), len(synthetic)) <= neighbours:
        raise ValueError(
            f"{len(real)} real and {len(synthetic)} synthetic rows; "
            f"needed are more than {neighbours} of each."
        )
    reach, other = _reach(real, neighbours), _reach(synthetic, neighbours)
    apart = distance.cdist(real, synthetic)
    inside = apart <= reach[:, None]
    return {
        "precision": float(inside.any(axis=0).mean()),
        "recall": float((apart <= other[None]).any(axis=1).mean()),
        "density": float(inside.sum(axis=0).mean() / neighbours),
        "coverage": float(inside.any(axis=1).mean()),
    }


def _reach(cloud, neighbours):
    # Position 0 is the point itself.
    return np.partition(distance.cdist(cloud, cloud), neighbours, axis=1)[:, neighbours]
