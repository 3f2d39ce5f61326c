import numpy as np
import tensorflow as tf

from ggngan_tf import inpainting, radiomic_loss

RANDOM = np.random.default_rng(0)


def disc(count, side=24, radius=6.0):
    row, column = np.mgrid[:side, :side] - side / 2 + 0.5
    inside = (row**2 + column**2 <= radius**2).astype(np.float32)
    return np.tile(inside[None, ..., None], (count, 1, 1, 1))


def measured(image, mask):
    hole = inpainting.dilate(tf.constant(mask), 2)
    return radiomic_loss.features(tf.constant(image, tf.float32), tf.constant(mask), hole, 1400.0)


def test_the_loss_is_twice_the_distance_between_two_points_that_batches_sit_on():
    # All real ones at (0, 0), all painted ones at (3, 4): 5 apart jointly, 7 feature by feature.
    real, painted = tf.zeros((4, 2)), tf.tile([[3.0, 4.0]], (4, 1))
    needed = 2 * (5 + 7 / 2**0.5)
    np.testing.assert_allclose(radiomic_loss.loss(real, painted), needed, atol=5e-3)


def test_a_twin_is_not_compared_with_its_own():
    # Real at 0 and 2, painted at 0 and 2: across are only 0-2 and 2-0, so 2 * 2 - 2 - 2.
    values = tf.constant([[0.0], [2.0]])
    np.testing.assert_allclose(radiomic_loss.loss(values, values), 0.0, atol=5e-3)


def test_two_draws_of_one_distribution_are_close_and_a_shifted_one_is_not():
    one, other = RANDOM.normal(size=(2, 200, 5)).astype(np.float32)
    same = float(radiomic_loss.loss(tf.constant(one), tf.constant(other)))
    apart = float(radiomic_loss.loss(tf.constant(one), tf.constant(other + 1.0)))
    assert abs(same) < 0.2 < 1.0 < apart


def test_a_flat_nodule_has_the_features_that_one_works_out():
    mask = disc(1)
    found = measured(np.full(mask.shape, 0.25), mask)[0].numpy()
    # Mean and percentiles are 350 HU above the window's low end; the variance is the noise floor.
    np.testing.assert_allclose(found[0], 350 / 150, rtol=1e-4)
    np.testing.assert_allclose(found[1], np.log(25.0) / 0.9, rtol=1e-4)
    np.testing.assert_allclose(found[4:11], 350 / 150, rtol=1e-4)


def test_percentiles_are_those_of_the_pixels_inside():
    mask = disc(1)
    image = RANDOM.uniform(size=mask.shape)
    inside = np.sort(image[mask > 0]) * 1400 / 150
    places = np.round(np.array([0, 0.1, 0.25, 0.5, 0.75, 0.9, 1]) * (len(inside) - 1)).astype(int)
    np.testing.assert_allclose(measured(image, mask)[0, 4:11], inside[places], rtol=1e-4)


def test_texture_tells_noise_from_the_same_noise_smoothed():
    mask = disc(1)
    noise = 0.3 + 0.05 * RANDOM.normal(size=mask.shape)
    smooth = (
        noise + np.roll(noise, 1, 1) + np.roll(noise, 1, 2) + np.roll(noise, (1, 1), (1, 2))
    ) / 4
    contrast, correlation = 11, 12  # of the first neighbour
    sharp, soft = measured(noise, mask)[0].numpy(), measured(smooth, mask)[0].numpy()
    assert sharp[contrast] > soft[contrast] + 1
    assert abs(sharp[correlation]) < 1 < soft[correlation]


def test_gradients_of_every_feature_reach_the_image_and_are_finite():
    mask = disc(2)
    image = tf.Variable(0.3 + 0.05 * RANDOM.normal(size=mask.shape), dtype=tf.float32)
    with tf.GradientTape() as tape:
        hole = inpainting.dilate(tf.constant(mask), 2)
        found = radiomic_loss.features(image, tf.constant(mask), hole, 1400.0)
    jacobian = tape.jacobian(found, image).numpy()  # (2, feature, 2, row, column, 1)
    assert np.isfinite(jacobian).all()
    own = np.abs(jacobian[0, :, 0]).sum(axis=(1, 2, 3))
    assert (own > 0).all()


def test_flat_nodules_have_finite_gradients():
    mask = disc(3)
    image = tf.Variable(tf.fill(mask.shape, 0.25))
    with tf.GradientTape() as tape:
        found = radiomic_loss.features(image, tf.constant(mask), tf.constant(mask), 1400.0)
        loss = radiomic_loss.loss(tf.zeros_like(found), found)
    assert np.isfinite(tape.gradient(loss, image)).all()
