import keras
import numpy as np
import pytest

from ggngan_tf.models import blocks, classifier, discriminator


@pytest.fixture(scope="module")
def made():
    keras.utils.set_random_seed(0)
    return classifier.make((4, 8), blocks=1, dropout=0.5)


def test_a_patch_becomes_one_logit_whatever_its_size(made):
    assert made(np.zeros((2, 64, 64, 1), np.float32)).shape == (2, 1)
    assert made(np.zeros((3, 48, 80, 1), np.float32)).shape == (3, 1)


def test_the_trunk_is_that_of_the_discriminators(made):
    other = discriminator.Discriminator((4, 8), 1)
    other.build((None, None, None, 1))
    assert [type(layer) for layer in made.trunk.layers] == [
        type(layer) for layer in other.trunk.layers
    ]
    assert any(isinstance(layer, blocks.DownBlock) for layer in made.trunk.layers)
    assert [w.shape for w in made.weights[:-2]] == [w.shape for w in other.weights[:-2]]


def test_features_are_dropped_in_training_only(made):
    image = np.random.default_rng(0).random((1, 64, 64, 1)).astype(np.float32)
    once, again = (made(image, training=False).numpy() for _ in range(2))
    np.testing.assert_array_equal(once, again)
    drawn = {float(made.drop(np.ones((1, 1), np.float32), training=True)[0, 0]) for _ in range(30)}
    assert drawn == {0.0, 2.0}


def test_batch_statistics_are_those_of_some_ten_steps(made):
    found = [m.momentum for m in made._flatten_layers() if hasattr(m, "momentum")]
    assert len(found) == 4 and set(found) == {0.9}


def test_a_classifier_is_made_again_from_its_settings(made):
    copy = classifier.Classifier.from_config(made.get_config())
    assert (copy.filters, copy.block_count, copy.dropout) == ((4, 8), 1, 0.5)
