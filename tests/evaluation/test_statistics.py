import numpy as np
import pytest
import sklearn.metrics
from scipy import stats

from ggngan_tf.evaluation import statistics

# Albumin, total protein, K-G score and whether surgery was of benefit: the 43 complete records
# of 49 patients with ovarian cancer, the example of DeLong et al. (1988), as SAS/STAT prints it.
RECORDS = """
    3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
    1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
    4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
    3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
    3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
    3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
    3.6 6.6 5 1
    """
OVARIAN = np.array(RECORDS.split(), float).reshape(-1, 4)


def test_an_area_worked_out_by_hand_counts_a_tie_half():
    # Pairs (positive, negative): (2, 1) and (3, 1) and (3, 2) are right, (2, 2) is a tie.
    areas, _ = statistics.delong([0, 0, 1, 1], [1, 2, 2, 3])
    assert areas[0] == 3.5 / 4


def test_the_variance_worked_out_by_hand():
    # Components of the positives 0.75 and 1, of the negatives 1 and 0.75: each varies by 1 / 32,
    # and the variance of the area is 1 / 32 / 2 + 1 / 32 / 2.
    _, covariance = statistics.delong([0, 0, 1, 1], [1, 2, 2, 3])
    np.testing.assert_allclose(covariance, [[1 / 32]])


def test_delongs_own_example_comes_out_as_published():
    albumin, protein, kg, benefit = OVARIAN.T
    scores = np.stack([-albumin, kg, -protein])
    areas, covariance = statistics.delong(benefit == 0, scores)
    np.testing.assert_allclose(areas, [0.7366, 0.7258, 0.6478], atol=5e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), [0.0927, 0.1028, 0.1000], atol=5e-5)
    test = statistics.compare_aucs(benefit == 0, -protein, kg)
    np.testing.assert_allclose(
        [test.difference, test.error, test.statistic**2, test.p_value],
        [-0.0780, 0.1046, 0.5554, 0.4561],
        atol=5e-5,
    )


def test_areas_agree_with_scikit_learn():
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 2, 80), random.integers(0, 9, (3, 80))
    areas, _ = statistics.delong(labels, scores)
    expected = [sklearn.metrics.roc_auc_score(labels, s) for s in scores]
    np.testing.assert_allclose(areas, expected)


def test_the_covariance_is_that_of_repeated_samples():
    random = np.random.default_rng(1)
    labels = np.arange(120) < 60
    draws = []
    for _ in range(400):
        common = random.normal(size=120) + labels
        draws.append(common + random.normal(size=(2, 120)))
    areas = np.array([statistics.delong(labels, scores)[0] for scores in draws])
    mean = np.mean([statistics.delong(labels, scores)[1] for scores in draws], axis=0)
    np.testing.assert_allclose(mean, np.cov(areas.T), rtol=0.2)


def test_delongs_interval_covers_the_true_area_as_often_as_it_says():
    random = np.random.default_rng(2)
    labels = np.arange(100) < 50
    true = stats.norm.cdf(1 / np.sqrt(2))
    estimates = [statistics.auc(labels, random.normal(size=100) + labels) for _ in range(500)]
    covered = np.mean([e.low <= true <= e.high for e in estimates])
    assert 0.92 <= covered <= 0.98


def test_a_perfect_area_still_has_an_interval():
    estimate = statistics.auc(np.arange(40) < 20, -np.arange(40.0))
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(0.025 ** (1 / 20))


def test_the_same_scores_twice_do_not_differ():
    scores = np.random.default_rng(3).normal(size=30)
    assert statistics.compare_aucs(np.arange(30) < 12, scores, scores).p_value == 1.0


def test_independent_areas_add_their_variances():
    random = np.random.default_rng(4)
    labels, scores, others = np.arange(50) < 20, random.normal(size=50), random.normal(size=50)
    test = statistics.compare_independent_aucs(labels, scores, labels, others)
    variances = [statistics.delong(labels, s)[1][0, 0] for s in (scores, others)]
    assert test.error == pytest.approx(np.sqrt(sum(variances)))


@pytest.mark.parametrize(
    ("labels", "scores", "found"),
    [([1, 0, 0], [1, 2, 3], "1 cases"), ([1, 1, 0, 0], [1, np.nan, 0, 1], "NaN")],
)
def test_what_has_no_area_is_refused(labels, scores, found):
    with pytest.raises(ValueError, match=found):
        statistics.delong(labels, scores)


def test_the_bootstrap_of_a_mean_agrees_with_the_normal_interval():
    values = np.random.default_rng(5).normal(size=400)
    estimate = statistics.bootstrap(lambda rows: values[rows].mean(), np.arange(400))
    error = values.std(ddof=1) / 20
    expected = values.mean() + np.array([0, -1.96, 1.96]) * error
    np.testing.assert_allclose([estimate.value, estimate.low, estimate.high], expected, atol=0.012)


def test_the_bootstrap_draws_a_patients_rows_together():
    # Ten copies of each of 20 values: as uncertain as 20 values, not as 200.
    values = np.repeat(np.random.default_rng(6).normal(size=20), 10)
    alone = statistics.bootstrap(lambda rows: values[rows].mean(), np.arange(200))
    together = statistics.bootstrap(lambda rows: values[rows].mean(), np.arange(200) // 10)
    ratio = (together.high - together.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(np.sqrt(10), rel=0.15)


def test_the_bootstrap_keeps_the_classes_as_large_as_they_are():
    labels = np.arange(30) < 10
    counts = []
    statistics.bootstrap(
        lambda rows: counts.append(labels[rows].sum()) or 0.0,
        np.arange(30),
        strata=labels,
        rounds=9,
    )
    assert set(counts) == {10}


def test_wilson_agrees_with_newcombes_published_example():
    # Newcombe, Statistics in Medicine 1998; 17: 857-872, table I: 81 of 263.
    estimate = statistics.wilson(81, 263)
    np.testing.assert_allclose([estimate.low, estimate.high], [0.2553, 0.3662], atol=5e-5)


def test_none_of_ten_has_the_exact_interval_known_in_closed_form():
    estimate = statistics.exact_proportion(0, 10)
    assert (estimate.low, estimate.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 10)))


def test_an_impossible_proportion_is_refused():
    with pytest.raises(ValueError, match="11 of 10"):
        statistics.wilson(11, 10)


def test_mcnemar_counts_only_the_cases_that_changed():
    # 5 changed one way and none the other: 2 * 0.5 ** 5.
    first = np.array([True] * 5 + [True, False, False])
    second = np.array([False] * 5 + [True, False, False])
    assert statistics.mcnemar(first, second) == pytest.approx(2 * 0.5**5)
    assert statistics.mcnemar(first, first) == 1.0


def test_cliffs_delta_worked_out_by_hand():
    # Of 6 pairs 4 are higher, 1 is lower, 1 is a tie.
    assert statistics.cliffs_delta([2, 4, 5], [3, 2]) == pytest.approx((4 - 1) / 6)


def test_hedges_g_worked_out_by_hand():
    # Means 2 and 4, both variances 1, 4 degrees of freedom: -2 * (1 - 3 / 15).
    assert statistics.hedges_g([1, 2, 3], [3, 4, 5]) == pytest.approx(-2 * 0.8)
    assert np.isnan(statistics.hedges_g([1, 1], [1, 1]))


def test_repeats_of_the_same_scores_are_no_surer_than_one():
    random = np.random.default_rng(8)
    labels, scores = np.arange(60) < 30, random.normal(size=60)
    one, three = statistics.auc(labels, scores), statistics.mean_auc(labels, np.stack([scores] * 3))
    np.testing.assert_allclose([one.low, one.high], [three.low, three.high])
