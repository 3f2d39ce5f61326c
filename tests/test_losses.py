import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config, inpainting, losses
from ggngan_tf.training import step


def test_equal_images_cost_nothing():
    image = tf.random.stateless_uniform((2, 32, 32, 1), (1, 2))
    np.testing.assert_allclose(losses.ssim_loss(image, image), 0, atol=1e-6)


def test_constant_images_cost_what_equation_3_gives_by_hand():
    # Without variance SSIM is its first factor, (2 ab + C1) / (a^2 + b^2 + C1), C1 = 0.01^2.
    a, b = 0.2, 0.6
    expected = 1 - (2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4)
    images = (tf.fill((1, 16, 16, 1), value) for value in (a, b))
    np.testing.assert_allclose(losses.ssim_loss(*images), expected, rtol=5e-4)


def test_an_image_and_its_negative_are_worse_than_unrelated():
    image = tf.random.stateless_uniform((1, 32, 32, 1), (1, 2))
    assert float(losses.ssim_loss(image, 1 - image)) > 1


def test_images_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="make them one shape"):
        losses.ssim_loss(tf.zeros((1, 32, 32, 1)), tf.zeros((1, 16, 16, 1)))


def test_an_undecided_discriminator_costs_log_two():
    np.testing.assert_allclose(losses.adversarial_loss(tf.zeros((4, 1))), np.log(2.0), rtol=1e-6)


def test_the_adversarial_loss_is_a_mean_over_the_batch():
    logits = np.array([[2.0], [-1.0]])
    probability = 1 / (1 + np.exp(-logits))
    expected = -np.log(probability).mean()
    np.testing.assert_allclose(losses.adversarial_loss(tf.constant(logits)), expected, rtol=1e-5)


def test_large_logits_do_not_overflow():
    assert float(losses.adversarial_loss(tf.constant([[-1e4]]))) == 1e4
    assert float(losses.adversarial_loss(tf.constant([[1e4]]))) == 0


def test_a_discriminator_pays_for_both_mistakes():
    real, fake = np.array([[1.5]]), np.array([[-0.5]])
    expected = np.log1p(np.exp(-1.5)) + np.log1p(np.exp(-0.5))
    loss = losses.discriminator_loss(tf.constant(real), tf.constant(fake))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_equation_1_adds_the_whole_image_and_the_roi():
    names = ["whole_ssim", "whole_adversarial", "roi_ssim", "roi_adversarial"]
    terms = {name: tf.constant(10.0**i) for i, name in enumerate(names)}
    terms |= {"whole_discriminator": tf.constant(5.0), "roi_discriminator": tf.constant(6.0)}
    totals = step.totals(terms, config.PRESETS["paper"].loss)
    np.testing.assert_allclose(totals, [1111, 5, 6])


@pytest.mark.parametrize("centre", [(40, 37), (0, 0), (79, 20)], ids=["inside", "corner", "border"])
def test_the_cost_of_a_pasted_slice_and_its_slope_follow_from_a_window(centre):
    slices = tf.random.stateless_uniform((2, 80, 72, 1), (1, 2))
    origin = inpainting.window_origin(tf.constant([centre, (40, 30)]), 13, (80, 72))
    painted = tf.random.stateless_uniform((2, 13, 13, 1), (3, 4))
    found = []
    for pasted in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(painted)
            image = inpainting.place(slices, painted, origin)
            if pasted:
                cost = losses.pasted_ssim_loss(slices, image, origin, 13)
            else:
                cost = 1.0 - tf.reduce_mean(tf.image.ssim(slices, image, max_val=1.0))
        found.append((cost, tape.gradient(cost, painted)))
    (whole, slope), (window, own) = found
    assert float(whole) > 0.01
    np.testing.assert_allclose(window, whole, atol=1e-6)
    np.testing.assert_allclose(own, slope, atol=1e-6, rtol=1e-4)


def test_two_paintings_of_a_place_should_differ_by_four_fifths_of_what_chance_would():
    mask = np.zeros((2, 4, 4, 1), np.float32)
    mask[:, 1:3, 1:3] = 1
    # Alike, but for the 1 HU squared that a root's gradient needs; apart by 160 HU everywhere.
    apart = np.stack([np.zeros((4, 4, 1)), np.full((4, 4, 1), 160.0)]).astype(np.float32)
    spread = tf.constant([100.0, 250.0])
    expected = [1 - 1 / 80, 1 - np.sqrt(160**2 / 2 + 1) / 200]
    found = losses.diversity_loss(tf.constant(apart), tf.constant(mask), spread)
    np.testing.assert_allclose(found, np.mean(expected), rtol=1e-5)
    assert losses.diversity_loss(tf.constant(apart[1:]), tf.constant(mask[1:]), spread[:1]) == 0
