import numpy as np
import pytest
import realism_judge
import realism_pixels
import realism_reference
import realism_text

from ggngan_tf import errors
from ggngan_tf.evaluation import detector
from tests import conftest


@pytest.fixture(scope="module")
def real():
    return conftest.make_set(rows=16)


@pytest.fixture(scope="module")
def reference():
    others = conftest.make_set(rows=48, seed=1)
    return realism_reference.Reference(realism_reference.table(others), "drawn", None)


def judged(real, hu, reference):
    drawn = [
        realism_judge.as_set(one, real.mask, real.pixel_spacing, real.patients()) for one in hu
    ]
    return realism_judge.judge_sets(real, drawn, reference, splits=1)


@pytest.fixture(scope="module")
def found(real, reference):
    return judged(real, [real.image + 100, real.image], reference)


def test_nodules_against_themselves_differ_in_no_feature(found):
    assert found["sizes"] == {"real": 16, "synthetic": 16, "seeds": 2}
    assert found["not_significant"]["each"][1] == 93
    assert found["mean_ks"]["low"] == 0
    assert found["over_real_vs_real"]["mean_ks"]["each"][1] == 0
    assert found["real_vs_real"]["one_a_patient"]


def test_nodules_100_hu_too_bright_are_told_apart_by_every_judge(found):
    assert found["hu"]["synthetic"]["mean"] - found["hu"]["real"]["mean"] == pytest.approx(50)
    assert found["logistic"]["each"][0] > 0.95 > found["logistic"]["each"][1]
    assert found["boosting"]["each"][0] > 0.95 > found["boosting"]["each"][1]
    assert found["not_significant"]["low"] < 93
    assert found["over_real_vs_real"]["mean_ks"]["each"][0] > 0.2
    assert found["worst"][0]["feature"].startswith("original_firstorder")
    assert found["pooled"]["sizes"] == [16, 32]
    text = realism_text.text(found)
    assert "16 real against 16 synthetic" in text and found["worst"][0]["feature"] in text


def test_arrays_are_judged_as_sets_are_with_painted_nodules_of_the_same_patients(
    real, reference, monkeypatch
):
    asked = []
    monkeypatch.setattr(realism_judge, "judge_sets", lambda *given: asked.append(given) or {})
    arrays = real.image, real.mask, np.stack([real.image] * 3), real.mask, real.pixel_spacing
    realism_judge.judge(*arrays, real_patients=real.patients(), reference=reference)
    (ours, theirs, _, _) = asked[0]
    assert len(theirs) == 3
    for one in theirs:
        np.testing.assert_array_equal(one.patients(), real.patients())
        np.testing.assert_array_equal(one.pixel_spacing, ours.pixel_spacing)
        np.testing.assert_array_equal(one.roi_centre, real.roi_centre)


def test_other_places_than_the_real_ones_need_a_spacing_of_their_own(real):
    fewer = real.image[:5], real.mask[:5]
    with pytest.raises(ValueError, match="give synth_spacing"):
        realism_judge.judge(real.image, real.mask, *fewer, real.pixel_spacing)


@pytest.mark.parametrize("sizes", [(6, 6), (12, 8)], ids=["one a patient", "whole patients"])
def test_groups_of_real_nodules_share_no_patient(sizes):
    patients = np.repeat([f"P{i:02d}" for i in range(12)], 2)
    for split in range(5):
        first, second = realism_reference.pair(patients, *sizes, split)
        assert (len(first), len(second)) == sizes
        assert not set(patients[first]) & set(patients[second])


def test_no_group_is_one_patient_of_many_nodules():
    patients = np.repeat([f"P{i:02d}" for i in range(20)], [30, *[1] * 19])
    for split in range(20):
        for rows in realism_reference.pair(patients, 12, 20, split):
            assert len(set(patients[rows])) >= detector.FOLDS
    with pytest.raises(errors.RadiomicsError, match="give more patients"):
        realism_reference.pair(np.repeat(["A", "B", "C", "D", "E"], 9), 10, 20, 0)


def test_what_was_drawn_once_is_kept(tmp_path):
    reference = realism_reference.Reference(None, "name", tmp_path / "kept")
    made = [realism_reference.keep(reference, "draws", lambda: {"mean": 1.5}) for _ in range(1)]
    made.append(realism_reference.keep(reference, "draws", lambda: {"mean": 7.0}))
    assert made == [{"mean": 1.5}, {"mean": 1.5}]
    assert realism_reference.keep(reference, "others", lambda: {"mean": 7.0}) == {"mean": 7.0}


def test_the_network_sees_real_windows_blanked_where_synthetic_ones_have_no_pixels(
    real, monkeypatch
):
    shown = []

    def judge(cases, labels, others, seed):
        shown.append((cases, labels))
        return np.linspace(0, 1, len(others))

    monkeypatch.setattr(realism_pixels.cnn, "judge", judge)
    seen = np.ones(real.image.shape, bool)
    seen[:, :, 50:] = False
    hidden = ~realism_pixels._windows(seen, real)
    assert hidden.mean() == pytest.approx(17 / 64)  # 64 pixels from column 3 on, 47 of them seen
    realism_pixels.network(real, [real], [hidden])
    for cases, labels in shown:
        assert set(labels) == {False, True}
        assert np.all(cases[:, :, 47:] == np.float32(-0.6))
        assert not np.any(np.all(cases[:, :, :47] == np.float32(-0.6), axis=(1, 2)))


def test_the_surroundings_alone_show_nothing_of_the_nodule(real):
    brighter = realism_judge.as_set(
        real.image + np.int16(300) * real.mask, real.mask, real.pixel_spacing, real.patients()
    )
    windows = [realism_pixels._shown(s, nodule=False) for s in (real, brighter)]
    np.testing.assert_array_equal(*windows)
    assert np.abs(np.subtract(*(realism_pixels._shown(s, True) for s in (real, brighter)))).any()


def test_two_nodules_of_one_patient_are_two_places(real):
    one = realism_judge.as_set(real.image, real.mask, real.pixel_spacing, ["P"] * len(real))
    found = realism_pixels.similarity.repeats(one, one)
    assert found["places"] == len(real) and found["mean_difference"] == 0
