import numpy as np
import pandas as pd
import pytest

from ggngan_tf import errors
from ggngan_tf.evaluation import comparison, frechet, radiomics


def table(rows: int, seed: int, shift: float = 0.0, prefix: str = "P") -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(shift, 1, (rows, 93))
    found = pd.DataFrame(values, columns=radiomics.FEATURES)
    return found.assign(patient_id=[f"{prefix}{i}" for i in range(rows)], series_uid="")


@pytest.fixture(scope="module")
def shifted():
    return comparison.compare(
        table(30, 0), table(30, 1, shift=1), table(60, 2, prefix="R"), repeats=1, splits=3
    )


def test_results_have_what_other_programs_look_for(shifted):
    names = {"features", "not_significant", "auc", "auc_ci", "accuracy", "frd", "mean_ks"}
    assert names < set(shifted.results)
    assert shifted.results["features"] == 93


def test_a_shift_of_all_features_is_seen_by_every_figure(shifted):
    results, equals = shifted.results, shifted.results["real_vs_real"]
    assert results["not_significant"] < 20
    assert results["auc"] > 0.95
    assert results["judges"]["boosting"]["auc"] > 0.95
    assert results["over_real_vs_real"]["frd"] > 1.5
    assert results["kernel_distance"] > equals["kernel_distance"]["high"]
    assert equals["not_significant"]["mean"] > 80


def test_the_same_seed_gives_the_same_results(shifted):
    equals = shifted.results["real_vs_real"]
    pool = comparison.pool(table(30, 0), table(60, 2, prefix="R"))
    standard = frechet.scale(pool[list(radiomics.FEATURES)].to_numpy())
    assert comparison.real_against_real(pool, 30, 30, standard, splits=3) == equals


def test_two_groups_never_share_a_patient_and_have_one_nodule_of_each():
    patients = np.repeat(np.arange(20), 3)
    a, b = comparison.draw(patients, 8, 12, np.random.default_rng(0))
    assert (len(a), len(b)) == (8, 12)
    assert len(set(patients[np.concatenate([a, b])])) == 20


@pytest.mark.parametrize(("patients", "sizes"), [(100, [50, 50]), (120, [50, 50]), (60, [30, 30])])
def test_groups_shrink_alike_where_patients_are_few(patients, sizes):
    assert comparison.affordable(patients, 50, 50) == sizes


def test_ratios_are_taken_at_the_sizes_of_real_against_real():
    # Equals: 200 against 200 would look twice as good as 30 against 30 without thinning.
    pool = table(60, 0)
    found = comparison.compare(table(60, 0), table(200, 1, prefix="S"), repeats=1, splits=2)
    equals = found.results["real_vs_real"]
    assert equals["sizes"] == comparison.affordable(60, 60, 200)
    assert not equals["same_sizes"]
    assert found.results["over_real_vs_real"]["mean_ks"] == pytest.approx(1, abs=0.25)
    assert frechet.scale(pool[list(radiomics.FEATURES)].to_numpy()).kept.all()


def test_incomplete_nodules_are_left_out_and_counted():
    real = table(30, 0)
    real.loc[:4, "original_glcm_Id"] = np.nan
    sizes = comparison.compare(real, table(30, 1), repeats=1, splits=1).results["sizes"]
    assert (sizes["real"], sizes["left_out_real"], sizes["left_out_synthetic"]) == (25, 5, 0)


def test_a_nodule_without_a_patient_counts_by_its_series_or_alone():
    found = comparison.patients(
        pd.DataFrame({"patient_id": ["P1", "", ""], "series_uid": ["1.2", "1.3", ""]})
    )
    assert found.tolist() == ["P1", "1.3", "row 2"]


def test_too_few_nodules_are_refused():
    with pytest.raises(errors.RadiomicsError, match="5 of 5 synthetic nodules"):
        comparison.compare(table(30, 0), table(5, 1))


def test_too_few_patients_for_real_against_real_are_refused():
    with pytest.raises(errors.RadiomicsError, match="give training nodules"):
        comparison.compare(table(12, 0), table(12, 1), repeats=1, splits=1)
