import json

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf.study import augment, calibration, classifier, component, settings
from ggngan_tf.synthesis import saved
from tests.study import made

HOW = settings.Classifier(filters=(4, 8), dropout=0.2)
WINDOW = (-1000.0, 400.0)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model, _, _ = classifier._graph(classifier._shape(HOW))
    weights = model.get_weights()
    folder = tmp_path_factory.mktemp("cad") / "1"
    folder.mkdir()
    about = {"name": "cad", "version": "1"}
    component.write(component.Component(weights, HOW, WINDOW, (2.0, -0.5)), folder, about)
    return folder, weights


def test_tensorflow_alone_gives_the_probability_that_the_study_gave(exported):
    folder, weights = exported
    images = made.nodule_set(3).image
    classify = tf.saved_model.load(str(folder)).signatures["serving_default"]
    found = classify(image=images[..., None].astype(np.float32))["probability"].numpy()
    logits = classifier.score(weights, images, HOW, WINDOW)
    np.testing.assert_allclose(found, calibration.apply(logits, (2.0, -0.5)), rtol=1e-4)


def test_what_lies_beyond_the_middle_64_pixels_changes_nothing(exported):
    images = np.repeat(made.nodule_set(1).image[:1], 2, axis=0)[..., None].astype(np.float32)
    images[1, :4] = 3000
    classify = tf.saved_model.load(str(exported[0])).signatures["serving_default"]
    first, second = classify(image=images)["probability"].numpy()
    assert first == second
    cut = augment.centre(images[:1, ..., 0])[..., None]
    assert classify(image=cut)["probability"].numpy()[0] == pytest.approx(first, rel=1e-4)


def test_patches_too_small_and_not_finite_are_refused_in_words(exported):
    classify = tf.saved_model.load(str(exported[0])).signatures["serving_default"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="64 x 64 pixels or larger"):
        classify(image=tf.zeros((1, 63, 64, 1)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="finite HU"):
        classify(image=tf.fill((1, 64, 64, 1), float("nan")))


def test_the_manifest_lists_each_file_with_its_hash(exported):
    manifest = json.loads((exported[0] / "manifest.json").read_text())
    assert manifest["format"] == "ggngan-classifier/1"
    assert manifest["files"] == saved.hashes(exported[0])
    assert "saved_model.pb" in manifest["files"]
