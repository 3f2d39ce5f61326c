import math

import numpy as np
import pytest

from ggngan_tf.turing import agreement

_ = math.nan
# Krippendorff's own example: four observers, twelve units, five categories.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)
# Ten subjects, fourteen raters, five classes: how many raters chose each class.
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_what_krippendorff_prints_for_his_example(level, alpha):
    assert round(agreement.krippendorff(KRIPPENDORFF, 5, level), 3) == alpha


def test_fleiss_kappa_of_fourteen_raters_is_0_210():
    ratings = np.array([np.repeat([1, 2, 3, 4, 5], row) for row in FLEISS]).T
    assert round(agreement.fleiss(ratings, 5), 3) == 0.210


def test_fleiss_kappa_takes_the_cases_that_most_readers_share():
    ratings = np.array([[1, 1, 4, 4, _], [1, 1, 4, 4, _], [_, _, _, _, 2]])
    assert agreement.fleiss(ratings, 4) == 1.0


def test_a_pair_worked_out_by_hand():
    found = agreement.pair(np.array([1, 2, 3, 4, _]), np.array([1, 3, 3, 4, 2]), 4)
    # Squared distances: one step on one of four cases; by chance 3.0 a case (16 pairs, sum 48/16).
    chance = np.mean([(a - b) ** 2 for a in (1, 2, 3, 4) for b in (1, 3, 3, 4)])
    assert found.kappa == pytest.approx(1 - 0.25 / chance)
    assert (found.cases, found.exact, found.side) == (4, 0.75, 0.75)


def test_opposite_readers_disagree_and_lonely_ones_have_no_agreement():
    first, second = np.array([1, 1, 4, 4]), np.array([4, 4, 1, 1])
    assert agreement.pair(first, second, 4).kappa == -1.0
    assert agreement.pair(np.array([1, _]), np.array([_, 2]), 4) is None
    assert agreement.pairs(np.array([[1, _], [_, 2]]), 4) == {}
    assert math.isnan(agreement.fleiss(np.array([[1, _], [_, 2]]), 4))
    assert math.isnan(agreement.krippendorff(np.array([[1, _], [_, 2]]), 4))


def test_one_rating_for_everything_has_no_kappa():
    same = np.full((2, 5), 3.0)
    assert math.isnan(agreement.pair(*same, 4).kappa)
    assert math.isnan(agreement.fleiss(same, 4))
    assert math.isnan(agreement.krippendorff(same, 4))
