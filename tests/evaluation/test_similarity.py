import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf.evaluation import patches, seams, similarity
from tests import conftest


def test_a_window_has_the_nodules_centre_at_its_own(small_set):
    image = small_set.image.copy()
    image[:, 35, 35] = 999
    found, _ = patches.cut(dataclasses.replace(small_set, image=image), 32)
    assert found.shape == (6, 32, 32)
    assert (found[:, 16, 16] == 999).all()


def test_a_window_beyond_the_slice_repeats_its_edge_and_holds_no_nodule(small_set):
    centre = np.full((6, 2), 2, np.int32)
    masks = np.ones_like(small_set.mask)
    moved = dataclasses.replace(small_set, roi_centre=centre, mask=masks)
    found, mask = patches.cut(moved, 32)
    np.testing.assert_array_equal(
        found[:, :15, :15], small_set.image[:, :1, :1] + np.zeros((15, 15))
    )
    assert not mask[:, :14].any()
    assert mask[:, 14:, 14:].all()


def test_ssim_agrees_with_tensorflow():
    random = np.random.default_rng(0)
    first = random.uniform(-1350, 150, (3, 32, 32))
    second = first + random.normal(0, 200, first.shape)
    scaled = [(x[..., None] + 1350) / 1500 for x in (first, second)]
    expected = tf.image.ssim(*(tf.constant(x, tf.float32) for x in scaled), max_val=1.0)
    np.testing.assert_allclose(similarity.ssim(first, second), expected, atol=1e-5)
    np.testing.assert_allclose(similarity.ssim(first, first), 1)


def test_the_distance_worked_out_by_hand():
    # A mask of 4 pixels, -600 and -500 in pairs: deviation 50. All pixels 30 HU off: 0.6.
    image = np.full((1, 71, 71), -900, np.int16)
    mask = np.zeros((1, 71, 71), np.uint8)
    mask[0, 35:37, 35:37] = 1
    image[0, 35, 35:37], image[0, 36, 35:37] = -600, -500
    one = conftest.make_set(rows=1, image=image, mask=mask)
    found = similarity.nearest(one, dataclasses.replace(one, image=image + np.int16(30)))
    assert found.distance[0] == pytest.approx(30 / 50, abs=1e-3)


def test_a_nodules_own_patient_can_be_left_out():
    nodules = conftest.make_set(rows=5)
    assert similarity.nearest(nodules, nodules).distance.max() < 0.02
    apart = similarity.nearest(nodules, nodules, apart=True)
    assert (apart.index != np.arange(5)).all()
    assert apart.distance.min() > 0.2


def test_the_difference_between_seeds_worked_out_by_hand():
    # One place painted twice, 20 HU apart everywhere; a second place once.
    nodules = conftest.make_set(rows=2)
    again = nodules.take(np.array([0, 0, 1]))
    image = again.image.copy()
    image[1] += 20
    found = similarity.repeats(dataclasses.replace(again, image=image))
    assert found["places"] == 1
    assert found["mean_difference"] == pytest.approx(20)
    apart = similarity.repeats(nodules, dataclasses.replace(nodules, image=nodules.image + 20))
    assert apart["places"] == 2
    assert apart["mean_difference"] == pytest.approx(20)


def test_without_a_second_seed_there_is_no_difference_to_tell(small_set):
    found = similarity.repeats(small_set)
    assert found["places"] == 0
    assert np.isnan(found["mean_difference"])


def test_originals_are_found_whatever_their_order():
    nodules = conftest.make_set(rows=5)
    ours, theirs = similarity.pairs(nodules, nodules.take(np.array([3, 0, 4])))
    assert ours.tolist() == [3, 0, 4]
    assert theirs.tolist() == [0, 1, 2]


def test_a_border_worked_out_by_hand():
    # A step of 100 HU around the 32 x 32 box and nothing beside it: log(101 / 1).
    image = np.full((1, 71, 71), -800, np.int16)
    image[0, 19:51, 19:51] = -700
    nodules = conftest.make_set(rows=1, image=image)
    assert seams.excess(nodules)["box"][0] == pytest.approx(np.log(101))


def test_an_outline_that_reaches_the_window_has_no_border_and_no_excess():
    nodules = conftest.make_set(rows=1, mask=np.ones((1, 71, 71), np.uint8))
    assert seams.excess(nodules)["outline+0"][0] == 0
