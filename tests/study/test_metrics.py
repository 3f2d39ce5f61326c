import numpy as np
import pytest
from sklearn import metrics as reference

from ggngan_tf.study import metrics

LABELS = np.array([True, False, True, False, False])
SCORES = np.array([0.9, 0.8, 0.7, 0.2, 0.1])


def test_average_precision_worked_out_by_hand():
    # GGNs at ranks 1 and 3: precision 1 and 2/3, each for half of the recall.
    assert metrics.average_precision(LABELS, SCORES) == pytest.approx((1 + 2 / 3) / 2)


def test_auc_worked_out_by_hand():
    # 3 + 2 of the 6 pairs are in order.
    assert metrics.auc(LABELS, SCORES) == pytest.approx(5 / 6)


def test_precision_recall_and_f1_worked_out_by_hand():
    precision, recall, f1, *_ = metrics.all_of(LABELS, SCORES, 0.75)
    assert (precision, recall, f1) == (0.5, 0.5, 0.5)


def test_nothing_called_is_precision_0_and_no_error():
    precision, recall, f1, *_ = metrics.all_of(LABELS, SCORES, 2.0)
    assert (precision, recall, f1) == (0.0, 0.0, 0.0)


def test_equal_scores_count_together_whatever_their_order():
    labels = np.array([True, False, False, False])
    for order in (labels, labels[::-1]):
        assert metrics.average_precision(order, np.ones(4)) == 0.25
        assert metrics.auc(order, np.ones(4)) == 0.5


def test_areas_agree_with_scikit_learn():
    random = np.random.default_rng(0)
    for _ in range(20):
        labels = random.random(60) < 0.3
        scores = np.round(random.random(60) + 0.3 * labels, 1)  # many ties
        expected = reference.average_precision_score(labels, scores)
        assert metrics.average_precision(labels, scores) == pytest.approx(expected)
        assert metrics.auc(labels, scores) == pytest.approx(reference.roc_auc_score(labels, scores))


def test_weights_give_what_repeated_cases_give():
    random = np.random.default_rng(1)
    labels, scores = random.random(30) < 0.4, random.random(30)
    counts = random.integers(0, 3, (1, 30))
    rows = np.repeat(np.arange(30), counts[0])
    drawn = metrics.bootstrap(labels, scores, 0.5, counts)[0]
    np.testing.assert_allclose(drawn, metrics.all_of(labels[rows], scores[rows], 0.5))


def test_a_draw_takes_a_patient_whole_and_keeps_both_kinds_as_many():
    patients = np.repeat(np.array(["a", "b", "c", "d", "e"]), 3)
    labels = np.isin(patients, ["a", "b"]) & (np.arange(15) % 3 == 0)
    drawn = metrics.draws(patients, labels, 200)
    assert np.all(drawn[:, ::3] == drawn[:, 1::3])
    each = drawn[:, ::3]
    assert np.all(each[:, :2].sum(axis=1) == 2) and np.all(each[:, 2:].sum(axis=1) == 3)
    assert len(np.unique(each, axis=0)) > 10


def test_the_best_threshold_lies_between_the_two_cases_that_it_parts():
    assert metrics.best_threshold(LABELS, SCORES) == pytest.approx((0.7 + 0.2) / 2)


def test_areas_without_a_ggn_are_unknown():
    assert np.isnan(metrics.average_precision(np.zeros(3, bool), np.arange(3)))
    assert np.isnan(metrics.auc(np.zeros(3, bool), np.arange(3)))
