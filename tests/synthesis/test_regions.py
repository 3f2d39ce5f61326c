import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf.models import generator
from ggngan_tf.synthesis import painter, regions
from tests.synthesis import models_made

SETTINGS = models_made.SETTINGS["default"]


def hole(*boxes, shape=(1, 160, 160, 1)):
    made = np.zeros(shape, np.float32)
    for item, row, column, height, width in boxes:
        made[item, row : row + height, column : column + width] = 1
    return made


def test_two_squares_far_apart_are_two_regions_of_the_larger_ones_size():
    found = regions.find(hole((0, 10, 20, 5, 8), (0, 120, 100, 9, 4)))
    assert (int(found.rows), int(found.columns)) == (9, 8)
    np.testing.assert_array_equal(found.origin, [(10, 20), (120, 100)])
    np.testing.assert_array_equal(found.slices, [0, 0])
    assert np.bincount(found.which).tolist() == [40, 36]


def test_squares_in_neighbouring_cells_are_one_region():
    found = regions.find(hole((0, 10, 20, 5, 8), (0, 17, 30, 5, 8)))
    assert (int(found.rows), int(found.columns)) == (12, 18)


def test_a_ring_is_one_region():
    ring = hole((0, 8, 8, 140, 140))
    ring[0, 10:146, 10:146] = 0
    assert np.unique(regions.find(ring).which).tolist() == [0]


def test_a_rectangle_at_the_border_is_moved_onto_the_slice():
    found = regions.find(hole((0, 20, 20, 20, 10), (0, 155, 158, 5, 2)))
    np.testing.assert_array_equal(found.origin, [(20, 20), (140, 150)])


def test_regions_of_one_place_in_two_slices_are_two():
    found = regions.find(hole((0, 9, 9, 4, 4), (1, 9, 9, 4, 4), shape=(2, 64, 64, 1)))
    np.testing.assert_array_equal(found.slices, [0, 1])


def test_a_window_is_its_slice_and_says_where_it_leaves_it():
    image = np.arange(64, dtype=np.float32).reshape(1, 8, 8, 1)
    found = regions.find(hole((0, 0, 5, 2, 3), shape=image.shape))
    window, inside = regions.windows(tf.constant(image), found, 2)
    assert window.shape == (1, 6, 7, 1)
    np.testing.assert_array_equal(
        inside[0, :, :, 0], np.outer([0, 0, 1, 1, 1, 1], [1] * 5 + [0] * 2)
    )
    np.testing.assert_array_equal(window[0, 2:, :5, 0], image[0, :4, 3:, 0])


def test_what_is_put_back_is_the_masks_pixels_alone():
    mask = hole((0, 2, 3, 4, 5), (1, 30, 40, 2, 2), shape=(2, 64, 64, 1))
    found = regions.find(mask)
    painted = tf.ones((2, int(found.rows), int(found.columns), 1))
    np.testing.assert_array_equal(regions.put(tf.zeros(mask.shape), painted, found), mask)


def test_regions_of_one_slice_are_what_the_whole_slice_gives():
    image = np.random.default_rng(0).normal(-800, 100, (1, 96, 96, 1)).astype(np.float32)
    mask = hole((0, 0, 4, 20, 9), (0, 60, 70, 11, 26), (0, 4, 80, 7, 7), shape=image.shape)
    made = painter.Painter(models_made.network(SETTINGS), SETTINGS)
    assert int(tf.reduce_max(regions.find(mask).which)) == 2
    asked = tf.constant([[2.0, 4.0, -500.0, 80.0, 0.5, 3.0, 0.6, 0.3, -50.0]])
    apart = made.hu(image, mask, None, tf.constant([5]), asked).numpy()
    window = made._stack(image, mask, None, tf.constant([5]))
    seen = made._seen(window, asked)
    padded = tf.pad(seen, [[0, 0], [made.margin] * 2, [made.margin] * 2, [0, 0]])
    inside = tf.pad(tf.ones_like(image), [[0, 0], [made.margin] * 2, [made.margin] * 2, [0, 0]])
    whole = made._forward(padded, inside).numpy() * 1400 - 1000
    np.testing.assert_allclose(apart[mask > 0], whole[mask > 0], rtol=0, atol=1e-5 * 1400)
    assert np.array_equal(apart[mask == 0], image[mask == 0])


@pytest.mark.parametrize("slope", [0.3, 1.7])
def test_a_slope_above_one_is_the_same_function(slope):
    network = models_made.network(SETTINGS)
    alpha = network.head.layers[1].alpha
    alpha.assign(np.full(alpha.shape, slope, np.float32))
    made = painter.Painter(network, SETTINGS)
    channels = generator.channels(SETTINGS.generator)
    features = np.random.default_rng(1).normal(0, 1, (1, 20, 20, channels)).astype(np.float32)
    expected = network.head(features)[:, 4:-4, 4:-4]
    np.testing.assert_allclose(made._head(features), expected, atol=1e-5)
