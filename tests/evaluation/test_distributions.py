import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ggngan_tf.evaluation import distributions, radiomics


def table(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(np.asarray(values, float), columns=radiomics.FEATURES)


def drawn(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    return table(np.random.default_rng(seed).normal(shift, 1, (rows, 93)))


def test_the_papers_table_has_each_of_the_93_features_once_and_59_not_significant():
    paper = distributions.paper()
    assert sorted(paper.feature) == sorted(radiomics.FEATURES)
    assert (paper.paper_p_value >= distributions.ALPHA).sum() == 59


def test_a_distance_worked_out_by_hand():
    # Of (1, 2, 3, 4) and (3, 4, 5, 6) half lies below 3 in the first and none in the second.
    columns = np.array([[1, 2, 3, 4], [3, 4, 5, 6]], float)[..., None]
    assert distributions.ks_distances(*columns) == pytest.approx([0.5])


def test_distances_with_ties_agree_with_scipy():
    random = np.random.default_rng(0)
    first, second = random.integers(0, 6, (40, 5)), random.integers(0, 7, (30, 5))
    expected = [stats.ks_2samp(a, b).statistic for a, b in zip(first.T, second.T, strict=True)]
    np.testing.assert_allclose(distributions.ks_distances(first, second), expected)


def test_rows_stand_in_the_papers_order_beside_its_p_values():
    found = distributions.compare(drawn(20, 0), drawn(20, 1))
    assert found.feature.tolist() == distributions.paper().feature.tolist()
    assert found.paper_p_value[0] == 0.984025


def test_benjamini_and_hochberg_worked_out_by_hand():
    # The smallest of 93 p-values is multiplied by 93 unless a larger one gives less.
    found = distributions.compare(drawn(30, 2), drawn(30, 3)).sort_values("p_value")
    factors = 93 / np.arange(1, 94)
    expected = np.minimum.accumulate((found.p_value * factors)[::-1])[::-1].clip(upper=1)
    np.testing.assert_allclose(found.q_value, expected)


def test_equals_pass_and_a_shift_does_not():
    same = distributions.summary(distributions.compare(drawn(50, 4), drawn(50, 5)))
    moved = distributions.summary(distributions.compare(drawn(50, 4), drawn(50, 5, shift=1.5)))
    assert same["not_significant"] >= 84
    assert moved["not_significant"] == 0
    assert moved["mean_ks"] > 2 * same["mean_ks"]


def test_the_effect_is_above_0_where_synthetic_is_higher():
    found = distributions.compare(drawn(30, 6), drawn(30, 7, shift=2))
    assert found.cliffs_delta.min() > 0
    assert found.hedges_g.min() > 0


def test_a_feature_without_values_counts_as_different():
    synthetic = drawn(20, 8)
    synthetic["original_glcm_Id"] = np.nan
    found = distributions.compare(drawn(20, 9), synthetic)
    assert found.set_index("feature").p_value.isna().sum() == 1
    assert distributions.summary(found)["not_significant"] == (found.p_value >= 0.05).sum()
