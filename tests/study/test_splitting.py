import itertools

import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import nodules
from ggngan_tf.study import settings, splitting
from tests.study import made

SET = made.nodule_set(40)
STUDY = made.study()


def test_no_patient_is_in_two_parts_and_none_is_lost():
    parts = splitting.split(SET, STUDY)
    sets = [set(parts.train), set(parts.validation), set(parts.test)]
    assert all(not a & b for a, b in itertools.combinations(sets, 2))
    assert set.union(*sets) == set(SET.patient_id)


def test_each_part_has_its_share_of_patients_with_a_ggn():
    parts = splitting.split(SET, STUDY)
    with_one = set(SET.patient_id[nodules.ground_glass(SET.texture, "mean")])
    # 20 of 40 patients have one: 30% to test and 10% to validation is 6 and 2.
    assert len(with_one) == 20
    assert len(set(parts.test) & with_one) == 6 and len(parts.test) == 12
    assert len(set(parts.validation) & with_one) == 2 and len(parts.validation) == 4


def test_subsets_of_one_seed_lie_within_one_another():
    percentages = (10, 25, 30, 50, 99, 100)
    row = [set(splitting.subset(SET, STUDY, p, seed=1)) for p in percentages]
    assert all(small <= large for small, large in itertools.pairwise(row))
    assert row[-1] == set(splitting.split(SET, STUDY).train)
    assert len(row[0]) == 4  # 10% of 12 patients with a GGN and of 12 without, rounded up


def test_another_seed_ranks_the_patients_anew():
    assert splitting.subset(SET, STUDY, 50, 0) != splitting.subset(SET, STUDY, 50, 1)


def test_the_split_does_not_hang_on_the_order_of_rows():
    turned = SET.take(np.arange(len(SET))[::-1])
    assert splitting.split(turned, STUDY) == splitting.split(SET, STUDY)


def test_too_few_patients_are_refused_with_advice():
    with pytest.raises(errors.NoduleSetError, match=r"needed are 2 in each; .*split\.test"):
        splitting.split(made.nodule_set(8), STUDY)


def test_parts_that_leave_nothing_to_train_on_are_refused():
    with pytest.raises(ValueError, match="leave patients to train on"):
        settings.Split(test=0.6, validation=0.4)
