import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config, inpainting
from ggngan_tf.models import generator, local

SIDE, REGION = 64, 12
SETTINGS = config.Generator(filters=4, blocks=1)


@pytest.fixture(scope="module")
def network():
    made = generator.make(SETTINGS)
    random = np.random.default_rng(0)
    made.set_weights([w + random.uniform(-0.1, 0.1, w.shape) for w in made.get_weights()])
    return made


@pytest.fixture(scope="module")
def slices():
    return tf.random.stateless_uniform((2, SIDE, SIDE, generator.channels(SETTINGS)), (1, 2))


def painted(network, slices, origin, training=False):
    wide = REGION + 2 * network.margin
    window, inside = inpainting.crop_beyond(slices, origin - network.margin, wide)
    return local.paint(network, window, inside, training)


@pytest.mark.parametrize("corner", [(26, 26), (0, 0), (52, 30), (3, 52)])
def test_the_shrinking_window_gives_what_the_whole_slice_gives(network, slices, corner):
    origin = tf.constant([corner, (20, 25)])
    expected = inpainting.crop(network(slices, training=False), origin, REGION, REGION)
    found = painted(network, slices, origin)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_its_gradients_are_those_of_the_whole_slice(network, slices):
    origin = tf.constant([(0, 52), (20, 25)])
    weights = [v for v in network.trainable_variables if "gamma" not in v.path]
    found = []
    for whole in (True, False):
        with tf.GradientTape() as tape:
            if whole:
                out = inpainting.crop(network(slices, training=False), origin, REGION, REGION)
            else:
                out = painted(network, slices, origin)
            cost = tf.reduce_mean(tf.square(out))
        found.append(tape.gradient(cost, weights))
    for expected, own in zip(*found, strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-3, atol=1e-7)


def test_in_training_statistics_are_those_of_the_window_that_a_layer_computes(network, slices):
    first, norm = network.trunk.layers[0].body.layers[:2]
    before = norm.moving_mean.numpy()
    origin = tf.constant([(26, 26), (20, 25)])
    painted(network, slices, origin, training=True)
    # 9x9 takes 4 pixels off each side and 3x3 one more: the window less 5 a side.
    head = network.head(slices)
    features = tf.nn.conv2d(head, first.kernel, 1, "SAME") + first.bias
    side = REGION + 2 * network.margin - 2 * 5
    seen = inpainting.crop(features, origin - network.margin + 5, side, side)
    expected = 0.99 * before + 0.01 * tf.reduce_mean(seen, axis=(0, 1, 2))
    np.testing.assert_allclose(norm.moving_mean, expected, rtol=1e-4)
