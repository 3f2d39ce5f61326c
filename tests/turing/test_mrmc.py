import itertools
import math

import numpy as np
import pandas as pd
import pytest

from ggngan_tf import errors
from ggngan_tf.turing import mrmc
from tests.conftest import shared


@pytest.fixture(scope="module")
def van_dyke():
    table = pd.read_csv(shared("mrmc/VanDyke.csv"))
    cube = table.pivot(index="case", columns=["treatment", "reader"], values="rating")
    ratings = cube.sort_index(axis=1).to_numpy(float).T.reshape(2, 5, -1)
    truth = table.groupby("case")["truth"].first().to_numpy(bool)
    assert truth.size == 114
    return ratings, truth


def test_the_area_of_a_hand_worked_reader_is_seven_eighths():
    ratings = [[[1, 3, 3, 4]]]  # pairs: 3 > 1, 4 > 1, 4 > 3, and one tie at 3
    areas = mrmc.auc_table(ratings, [False, False, True, True])
    assert areas[0, 0] == (1 + 1 + 1 + 0.5) / 4


def test_van_dyke_areas_of_each_reader(van_dyke):
    expected = [
        [0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066],
        [0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169],
    ]
    np.testing.assert_allclose(mrmc.auc_table(*van_dyke), expected, atol=5e-9)


def test_van_dyke_mean_areas(van_dyke):
    means = mrmc.auc_table(*van_dyke).mean(axis=1)
    np.testing.assert_allclose(means, [0.89703704, 0.94083736], atol=5e-9)


def test_van_dyke_mean_squares(van_dyke):
    squares = mrmc.random_readers(*van_dyke).mean_squares
    found = [squares["T"], squares["R"], squares["TR"]]
    np.testing.assert_allclose(found, [0.00479617, 0.00383620, 0.00055103], atol=5e-9)


def test_van_dyke_variance_and_covariances(van_dyke):
    parts = mrmc.components(*van_dyke)
    found = [parts.var, parts.cov1, parts.cov2, parts.cov3]
    expected = [0.00080229, 0.00034661, 0.00034407, 0.00023903]
    np.testing.assert_allclose(found, expected, atol=5e-9)


def test_van_dyke_random_readers_and_cases(van_dyke):
    result = mrmc.random_readers(*van_dyke)
    difference = result.difference
    assert round(result.statistic, 2) == 4.46
    assert round(difference.df, 2) == 15.26
    assert round(difference.p, 4) == 0.0517
    found = [difference.value, difference.se, difference.low, difference.high]
    np.testing.assert_allclose(found, [-0.04380, 0.02075, -0.08796, 0.00036], atol=5e-6)


def test_van_dyke_fixed_readers_and_random_cases(van_dyke):
    result = mrmc.fixed_readers(*van_dyke)
    difference = result.difference
    assert round(result.statistic, 5) == 5.47595
    assert round(difference.p, 4) == 0.0193
    np.testing.assert_allclose([difference.low, difference.high], [-0.08049, -0.00711], atol=5e-6)


@pytest.mark.parametrize(
    ("modality", "se", "df", "low", "high", "cov2"),
    [
        (0, 0.03317360, 12.74, 0.82522360, 0.96885048, 0.00048396),
        (1, 0.02156637, 12.71, 0.89413783, 0.98753689, 0.00020419),
    ],
)
def test_van_dyke_one_modality_alone(van_dyke, modality, se, df, low, high, cov2):
    ratings, truth = van_dyke
    result = mrmc.one_modality(ratings[modality], truth)
    np.testing.assert_allclose([result.se, result.low, result.high], [se, low, high], atol=5e-9)
    assert round(result.df, 2) == df
    parts = mrmc.components(ratings[modality : modality + 1], truth)
    np.testing.assert_allclose(parts.cov2, cov2, atol=5e-9)


def test_readers_of_separate_cases_have_no_covariance_and_the_standard_error_of_a_mean():
    random = np.random.default_rng(1)
    truth = np.tile([True, False], 60)
    ratings = np.full((4, 120), math.nan)
    for reader in range(4):
        cases = slice(30 * reader, 30 * reader + 30)
        ratings[reader, cases] = random.normal(truth[cases], 1)
    result = mrmc.one_modality(ratings, truth)
    areas = mrmc.auc_table(ratings[None], truth)[0]
    assert mrmc.components(ratings[None], truth).cov2 == 0
    assert result.se == pytest.approx(areas.std(ddof=1) / 2)
    assert result.df == pytest.approx(3)


def test_the_u_statistic_variance_is_unbiased_over_every_possible_study():
    """Two readers, two cases of each class, each of two kinds: all 64 studies, equally likely."""
    truth = np.array([False, False, True, True])
    areas, variances = [], []
    for bits in itertools.product([0, 1], repeat=6):
        readers, cases = np.array(bits[:2]), np.array(bits[2:])
        ratings = cases[None, :] * (1 + readers[:, None]) + truth[None, :] * readers[:, None]
        areas.append(mrmc.auc_table(ratings[None], truth).mean())
        variances.append(unclipped_variance(ratings, truth))
    assert np.var(areas) > 0.01
    assert np.mean(variances) == pytest.approx(np.var(areas), rel=1e-9)


def unclipped_variance(ratings, truth):
    """Returns Gallas' estimate, by going through every two pairs one by one."""
    negative, positive = np.flatnonzero(~truth), np.flatnonzero(truth)
    pairs = list(itertools.product(range(len(ratings)), negative, positive))
    score = {(j, a, b): float(np.sign(ratings[j, b] - ratings[j, a]) + 1) / 2 for j, a, b in pairs}
    products = [
        (score[p] * score[q], tuple(x == y for x, y in zip(p, q, strict=True)))
        for p in pairs
        for q in pairs
    ]
    nothing_shared = [v for v, same in products if not any(same)]
    variance = np.mean([v for v, _ in products]) - np.mean(nothing_shared)
    found = mrmc.u_statistic(ratings, truth).se ** 2
    assert found == pytest.approx(max(variance, 0.0), abs=1e-12)
    return variance


def test_both_methods_agree_on_van_dyke_within_a_tenth(van_dyke):
    ratings, truth = van_dyke
    for modality in ratings:
        ours, theirs = mrmc.u_statistic(modality, truth), mrmc.one_modality(modality, truth)
        assert ours.value == pytest.approx(theirs.value)
        assert ours.se == pytest.approx(theirs.se, rel=0.1)


def test_one_reader_or_one_class_is_refused_with_what_to_do():
    with pytest.raises(errors.ReadingError, match="found 1 reader, needed are 2"):
        mrmc.one_modality([[1, 2, 3, 4]], [0, 0, 1, 1])
    with pytest.raises(errors.ReadingError, match="a reader has 0 cases of one class"):
        mrmc.auc_table([[[1, 2, math.nan, math.nan]]], [0, 0, 1, 1])
    with pytest.raises(errors.ReadingError, match="needed are 2 to compare"):
        mrmc.random_readers(np.ones((1, 2, 4)), [0, 0, 1, 1])
