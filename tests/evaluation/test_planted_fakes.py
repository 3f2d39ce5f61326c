"""Real against real passes; each planted fake is caught, and by the judge that should catch it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ggngan_tf.evaluation import (
    cnn,
    comparison,
    detector,
    distributions,
    pixels,
    radiomics,
    seams,
    similarity,
)
from tests.evaluation import fakes


@pytest.fixture(scope="module")
def halves(lidc):
    """Two patient-disjoint halves of the ground glass nodules, 50 each, and the rest."""
    found = lidc.select("mean")
    a, b = comparison.draw(found.patients(), 50, 50, np.random.default_rng(0))
    rest = np.setdiff1d(np.arange(len(found)), np.concatenate([a, b]))
    return found.take(a), found.take(b), found.take(rest)


@pytest.fixture(scope="module")
def tables(halves):
    return [radiomics.extract(half) for half in halves]


def test_real_against_real_passes_nearly_all_features(lidc, tables):
    found = lidc.select("mean")
    everything = pd.concat(tables)
    patients, random = comparison.patients(everything), np.random.default_rng(1)
    assert len(set(patients)) == len(set(found.patient_id))
    counts = []
    for _ in range(8):
        a, b = comparison.draw(patients, 50, 50, random)
        table = distributions.compare(everything.iloc[a], everything.iloc[b])
        counts.append(distributions.summary(table)["not_significant"])
    assert np.mean(counts) >= 0.93 * 93


def test_real_against_real_leaves_the_judges_undecided(tables):
    real, other, rest = tables
    reference = pd.concat([other, rest])
    results = comparison.compare(real, other, reference, repeats=1, splits=5).results
    equals = results["real_vs_real"]
    assert equals["same_sizes"]
    # One draw has a deviation of 0.08, the mean of five half of that.
    assert 0.25 < results["auc"] < 0.75
    assert 0.38 < equals["auc_logistic"]["mean"] < 0.62
    assert 0.38 < equals["auc_boosting"]["mean"] < 0.62
    assert 0.7 < results["over_real_vs_real"]["mean_ks"] < 1.4


def test_a_blob_without_texture_is_caught_by_the_features(halves, tables):
    real, other, _ = halves
    synthetic = radiomics.extract(fakes.blobs(other))
    results = comparison.compare(tables[0], synthetic, tables[2], repeats=1, splits=2).results
    assert results["not_significant"] < 0.4 * 93
    assert results["auc"] > 0.9
    assert results["judges"]["boosting"]["auc"] > 0.9
    assert results["over_real_vs_real"]["mean_ks"] > 1.6
    assert results["over_real_vs_real"]["frd"] > 1.6
    copied = pixels.memorisation(real, fakes.blobs(other), halves[2])
    assert copied["copies"] == 0


def test_copies_of_training_nodules_are_caught_as_copies_and_by_no_feature(halves, tables):
    real, other, training = halves
    synthetic = fakes.copies(other, training)
    found = pixels.memorisation(real, synthetic, training)
    assert found["copies"] == len(synthetic)
    assert found["closer_auc"] > 0.99
    assert [pair["distance"] for pair in found["closest"]] == pytest.approx([0] * 8, abs=0.02)
    honest = pixels.memorisation(real, other, training)
    assert honest["copies"] <= 1
    verdict = detector.cross_validate(
        detector.logistic,
        tables[0][list(radiomics.FEATURES)].to_numpy(),
        radiomics.extract(synthetic)[list(radiomics.FEATURES)].to_numpy(),
        real.patients(),
        other.patients(),
        repeats=1,
    )
    assert verdict.area < 0.75


def test_a_visible_seam_is_caught_at_its_border_and_by_no_feature(halves, tables):
    real, other, _ = halves
    found = seams.compare(seams.excess(real), seams.excess(fakes.seams(other)))
    assert found["worst"] == "box"
    assert found["auc"] > 0.9
    assert found["p_value"] < 1e-6
    honest = seams.compare(seams.excess(real), seams.excess(other))
    assert honest["p_value"] > 0.001
    shapes = list(radiomics.SHAPES)
    unchanged = radiomics.extract(fakes.seams(other))
    assert unchanged[shapes].equals(tables[1][shapes])


def test_the_network_sees_seams(halves, monkeypatch):
    monkeypatch.setattr(cnn, "STEPS", 60)
    real, other, _ = (half.take(np.arange(40)) for half in halves)
    windows = [cnn.windows(real), cnn.windows(fakes.seams(other))]
    groups = [real.patients(), other.patients()]
    assert detector.cross_validate(cnn.judge, *windows, *groups, repeats=1).area > 0.8


def test_a_nodule_finds_itself_however_it_is_turned_and_moved(halves):
    training = halves[2].take(np.arange(20))
    turned = [np.rot90(a, 3, axes=(1, 2))[:, :, ::-1] for a in (training.image, training.mask)]
    moved = [np.roll(a, (1, -2), axis=(1, 2)) for a in turned]
    changed = dataclasses.replace(training, image=moved[0], mask=moved[1])
    found = similarity.nearest(changed, training)
    inside = training.mask[:, 22:48, 22:48].sum(axis=(1, 2)) == training.mask.sum(axis=(1, 2))
    assert inside.sum() > 10
    np.testing.assert_array_equal(found.index[inside], np.arange(20)[inside])
    np.testing.assert_allclose(found.distance[inside], 0, atol=0.02)
