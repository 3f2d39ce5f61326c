import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.evaluation import detector


def normal(rows: int, seed: int, width: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width))


PATIENTS = np.array([f"P{i // 2}" for i in range(40)])


@pytest.mark.parametrize("judge", [detector.logistic, detector.boosting])
def test_judges_tell_a_shift_and_are_undecided_between_equals(judge):
    groups = (PATIENTS, np.char.add("S", PATIENTS))
    moved = detector.cross_validate(judge, normal(40, 0), normal(40, 1) + 2, *groups, repeats=2)
    same = detector.cross_validate(judge, normal(40, 0), normal(40, 1), *groups, repeats=4)
    assert moved.area > 0.95
    assert 0.3 < same.area < 0.7


def test_boosting_sees_a_ring_around_a_disc_and_a_weighted_sum_does_not():
    angle = np.random.default_rng(2).uniform(0, 2 * np.pi, 80)
    ring = 3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    groups = (np.arange(80), 100 + np.arange(80))
    disc = normal(80, 3, width=2)
    tree = detector.cross_validate(detector.boosting, disc, ring, *groups, repeats=1)
    line = detector.cross_validate(detector.logistic, disc, ring, *groups, repeats=1)
    assert tree.area > 0.9
    assert line.area < 0.7


def test_no_patient_is_judged_by_a_model_that_saw_the_patient():
    def remember(cases, labels, others, seed):
        # A case carries its patient's number; a judge that saw the patient would answer 1.
        return np.isin(others[:, 0], cases[:, 0]).astype(float)

    numbers = np.repeat(np.arange(10.0), 4)[:, None]
    verdict = detector.cross_validate(
        remember, numbers, numbers, numbers[:, 0], numbers[:, 0], repeats=3
    )
    assert not verdict.scores.any()


def test_every_case_is_judged_once_a_repeat():
    verdict = detector.cross_validate(
        detector.logistic, normal(20, 0), normal(30, 1), np.arange(20), np.arange(30), repeats=2
    )
    assert verdict.scores.shape == (2, 50)
    assert np.isfinite(verdict.scores).all()
    assert verdict.labels.sum() == 30


def test_the_summary_of_scores_worked_out_by_hand():
    # Of 4 pairs 3 are in order; 3 of 4 scores are on the right side of 0.5.
    labels = np.array([False, False, True, True])
    verdict = detector.Verdict(labels, np.array([[0.1, 0.6, 0.55, 0.9]]), np.arange(4))
    found = verdict.summary(rounds=20)
    assert (found["auc"], found["accuracy"]) == (0.75, 0.75)
    assert found["auc_ci"][0] < 0.75 < found["auc_ci"][1]
    false, true = verdict.roc()
    assert (false[0], true[0], true[-1]) == (0, 0, 1)
    assert np.trapezoid(true, false) == pytest.approx(0.75, abs=0.02)


def test_too_few_patients_for_the_folds_are_refused():
    with pytest.raises(errors.RadiomicsError, match="3 patients"):
        detector.cross_validate(
            detector.logistic, normal(9, 0), normal(9, 1), np.arange(9), np.arange(9) % 3
        )
