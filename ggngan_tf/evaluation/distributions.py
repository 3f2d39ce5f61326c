"""Whether each feature is distributed alike in real and in synthetic nodules (Table 1)."""

import functools
import pathlib

import numpy as np
import pandas as pd
from scipy import stats

from ggngan_tf.evaluation import radiomics, statistics

ALPHA = 0.05  # Methods, "radiomics": p below it counts as significant


@functools.cache
def paper() -> pd.DataFrame:
    """Returns the paper's Table 1, in its order: `feature`, `paper_name`, `paper_p_value`.

    The table has 59 features at p >= 0.05, the paper's text says 58.
    """
    table = pd.read_csv(pathlib.Path(__file__).with_name("table1.csv"))
    names = "original_" + table["class"] + "_" + table["feature"]
    columns = {"feature": names, "paper_name": table.paper_name, "paper_p_value": table.p_value}
    return pd.DataFrame(columns)


def compare(real: pd.DataFrame, synthetic: pd.DataFrame) -> pd.DataFrame:
    """Returns one row a feature, in the order of the paper's Table 1.

    Args:
        real: Features of real nodules, one row each, with the columns `radiomics.FEATURES`.
        synthetic: Likewise of synthetic ones. Values that are NaN are left out.

    Returns:
        `feature`, `paper_name`; `ks`, the Kolmogorov-Smirnov distance; `p_value`, exact where
        SciPy can; `q_value`, the same after Benjamini and Hochberg; `cliffs_delta` and `hedges_g`,
        above 0 where synthetic is higher; the two medians; `paper_p_value`.
    """
    rows = [_row(name, real[name], synthetic[name]) for name in radiomics.FEATURES]
    table = paper().merge(pd.DataFrame(rows), on="feature")
    known = table.p_value.notna()
    table["q_value"] = np.nan
    table.loc[known, "q_value"] = stats.false_discovery_control(table.p_value[known])
    order = ["feature", "paper_name", "ks", "p_value", "q_value", "cliffs_delta", "hedges_g"]
    return table[[*order, "real_median", "synthetic_median", "paper_p_value"]]


def summary(table: pd.DataFrame) -> dict[str, float]:
    """Returns counts and means over a table that `compare` made.

    A feature without a p-value (no two numbers to compare) counts as different.
    """
    return {
        "features": len(table),
        "not_significant": int((table.p_value >= ALPHA).sum()),
        "not_significant_after_bh": int((table.q_value >= ALPHA).sum()),
        "mean_ks": float(table.ks.mean()),
        "mean_absolute_cliffs_delta": float(table.cliffs_delta.abs().mean()),
    }


def ks_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the Kolmogorov-Smirnov distance of each column, float64 `(columns,)`.

    Args:
        first: `(rows, columns)`, finite.
        second: `(other rows, columns)`, finite.
    """
    pairs = zip(np.sort(first, axis=0).T, np.sort(second, axis=0).T, strict=True)
    return np.array([_distance(a, b) for a, b in pairs])


def _row(name, real, synthetic):
    real, synthetic = real.dropna().to_numpy(float), synthetic.dropna().to_numpy(float)
    if min(len(real), len(synthetic)) < 2:
        missing = ("ks", "p_value", "cliffs_delta", "hedges_g", "real_median", "synthetic_median")
        return {"feature": name} | dict.fromkeys(missing, np.nan)
    test = stats.ks_2samp(real, synthetic)
    return {
        "feature": name,
        "ks": test.statistic,
        "p_value": test.pvalue,
        "cliffs_delta": statistics.cliffs_delta(synthetic, real),
        "hedges_g": statistics.hedges_g(synthetic, real),
        "real_median": np.median(real),
        "synthetic_median": np.median(synthetic),
    }


def _distance(a, b):
    both = np.concatenate([a, b])
    below = np.searchsorted(a, both, "right") / len(a) - np.searchsorted(b, both, "right") / len(b)
    return np.abs(below).max()
