import numpy as np
import pytest
import study_splits


def trial(scores, patients):
    labels = np.array([True, False, False, True, False, False])
    return {
        "labels": labels,
        "test": np.array(scores),
        "patients": np.array(patients),
        "threshold": 0.5,
    }


def studies():
    right, wrong = [0.9, 0.1, 0.2, 0.8, 0.3, 0.1], [0.1, 0.9, 0.8, 0.2, 0.7, 0.6]
    some, others = list("aabbcc"), list("aaddee")
    return [
        {"synthetic": [trial(right, who)] * 2, "real": [trial(wrong, who)] * 2}
        for who in (some, others)
    ]


def differences(these):
    found = study_splits.figures(these, 50, "average_precision")
    return [one["synthetic"] - one["real"] for one in found]


def test_a_difference_is_that_of_average_precision_worked_out_by_hand():
    found = differences(studies())
    # Of the control the GGNs come fifth and last: 1/5 and 2/6, half a recall each.
    assert [one[0, 0] for one in found] == pytest.approx([1 - (1 / 5 + 2 / 6) / 2] * 2)
    assert [one.shape for one in found] == [(2, 51)] * 2


def test_a_patient_of_two_test_sets_is_drawn_as_often_in_both():
    same = [studies()[0], studies()[0]]
    first, second = differences(same)
    np.testing.assert_array_equal(first, second)
    assert np.nanstd(first[0, 1:]) > 0


def test_training_sets_that_differ_widen_the_second_interval_alone():
    found = [np.repeat([[0.0], [1.0]], 201, axis=1)] * 2
    row = study_splits.together(found)
    assert row["value"] == 0.5 and row["patients"] == [0.5, 0.5]
    low, high = row["patients_and_training_sets"]
    assert low == 0 and high == 1
    assert (row["above_0"], row["training_sets"]) == (2, 4)


def test_what_leaves_out_0_is_bold():
    found = {("synthetic", "real"): study_splits.together([np.full((2, 11), 0.25)])}
    assert "**+0.250 (+0.250 to +0.250)**" in study_splits.text(found)
    assert "| 2 of 2 |" in study_splits.text(found)
