import numpy as np
import tensorflow as tf

from ggngan_tf import config, inpainting

WINDOW = (-1000.0, 400.0)


def test_hu_are_clipped_and_scaled():
    hu = np.array([-2000, -1000, -300, 400, 3000])
    np.testing.assert_allclose(inpainting.scale(hu, WINDOW), [0, 0, 0.5, 1, 1])


def test_unscale_undoes_scale_inside_the_window():
    hu = np.arange(-1000.0, 401.0, dtype=np.float32)
    back = inpainting.unscale(inpainting.scale(hu, WINDOW), WINDOW)
    np.testing.assert_array_equal(np.rint(back), hu)


def test_a_box_has_its_size_and_stays_inside():
    centres = tf.constant([[10, 10], [0, 0], [19, 5]])
    boxes = inpainting.box(centres, 4, 20, 20).numpy()[..., 0]
    assert boxes.sum(axis=(1, 2)).tolist() == [16, 16, 16]
    assert np.argwhere(boxes[0]).min(axis=0).tolist() == [8, 8]
    assert np.argwhere(boxes[1]).min(axis=0).tolist() == [0, 0]
    assert np.argwhere(boxes[2]).min(axis=0).tolist() == [16, 3]


def test_dilation_grows_along_rows_and_columns():
    mask = np.zeros((1, 7, 7, 1), np.float32)
    mask[0, 3, 3, 0] = 1
    grown = inpainting.dilate(tf.constant(mask), 2).numpy()[0, ..., 0]
    row, column = np.mgrid[:7, :7] - 3
    np.testing.assert_array_equal(grown, (abs(row) + abs(column) <= 2).astype(float))


def test_erase_blanks_the_hole_only():
    image, hole = np.full((1, 2, 2, 1), 0.3, np.float32), np.zeros((1, 2, 2, 1), np.float32)
    hole[0, 0, 1] = 1
    erased = inpainting.erase(tf.constant(image), hole).numpy()[0, ..., 0]
    np.testing.assert_array_equal(erased, np.float32([[0.3, 0], [0.3, 0.3]]))


def test_paste_keeps_every_other_pixel_bit_for_bit():
    random = np.random.default_rng(0)
    image, painted = random.normal(size=(2, 1, 9, 9, 1)).astype(np.float32)
    hole = (random.uniform(size=image.shape) > 0.5).astype(np.float32)
    out = inpainting.paste(image, painted, hole).numpy()
    assert np.array_equal(out[hole == 0], image[hole == 0])
    assert np.array_equal(out[hole == 1], painted[hole == 1])


def test_noise_is_seen_inside_the_hole_only():
    ones = tf.ones((1, 3, 3, 1))
    hole = tf.constant(np.eye(3, dtype=np.float32)[None, ..., None])
    asked = tf.constant([[7.0, -2.0]])
    seen = inpainting.generator_input(ones, hole, 5 * ones, asked, config.Generator(contrast=3.0))
    assert seen.shape == (1, 3, 3, 5)
    np.testing.assert_array_equal(seen[..., 0], 3 * ones[..., 0])
    np.testing.assert_array_equal(seen[..., 2], 5 * hole[..., 0])
    np.testing.assert_array_equal(seen[..., 3], 7 * hole[..., 0])
    np.testing.assert_array_equal(seen[..., 4], -2 * hole[..., 0])
    paper = config.PRESETS["paper"].generator
    np.testing.assert_array_equal(inpainting.generator_input(ones, hole, ones, asked, paper), ones)


def test_a_residual_is_what_a_blur_takes_away():
    image = np.zeros((1, 9, 9, 1), np.float32)
    image[0, 4, 4] = 1.0
    found = inpainting.residual(tf.constant(image)).numpy()[0, :, :, 0]
    np.testing.assert_allclose(found[4, 4], 1 - (6 / 16) ** 2)
    np.testing.assert_allclose(found[4, 5], -(6 / 16) * (4 / 16))
    np.testing.assert_allclose(inpainting.residual(tf.ones((1, 9, 9, 1))), 0.0, atol=1e-6)


def test_a_window_is_kept_inside_the_image():
    centre = tf.constant([[50, 50], [1, 99]])
    origin = inpainting.window_origin(centre, 20, (100, 100))
    np.testing.assert_array_equal(origin, [[40, 40], [0, 80]])


def test_place_undoes_crop():
    images = tf.reshape(tf.range(2.0 * 8 * 9), (2, 8, 9, 1))
    origin = tf.constant([[1, 2], [5, 0]])
    cut = inpainting.crop(images, origin, 3, 4)
    np.testing.assert_array_equal(cut[0], images[0, 1:4, 2:6])
    np.testing.assert_array_equal(cut[1], images[1, 5:8, 0:4])
    np.testing.assert_array_equal(inpainting.place(images, cut, origin), images)
    blank = inpainting.place(images, tf.zeros_like(cut), origin).numpy()
    assert blank[1, 5:8, 0:4].sum() == 0
    assert np.array_equal(blank[1, :5], images[1, :5])


def test_a_crop_may_reach_beyond_the_image_and_says_where():
    images = tf.reshape(tf.range(1.0, 21.0), (1, 4, 5, 1))
    square, inside = inpainting.crop_beyond(images, tf.constant([[-1, 3]]), 3)
    np.testing.assert_array_equal(square[0, ..., 0], [[0, 0, 0], [4, 5, 0], [9, 10, 0]])
    np.testing.assert_array_equal(inside[0, ..., 0], [[0, 0, 0], [1, 1, 0], [1, 1, 0]])
    within, all_of_it = inpainting.crop_beyond(images, tf.constant([[1, 2]]), 3)
    np.testing.assert_array_equal(within, inpainting.crop(images, tf.constant([[1, 2]]), 3, 3))
    assert float(tf.reduce_min(all_of_it)) == 1


def test_noise_is_standard_normal_at_each_scale_up_to_the_border():
    noise = inpainting.noise((400, 20, 30), (1, 2)).numpy()
    assert noise.shape == (400, 20, 30, 1 + len(inpainting.CLOUDS))
    np.testing.assert_allclose(noise.mean(axis=0), 0.0, atol=0.25)  # five errors of a mean of 400
    np.testing.assert_allclose(noise.std(axis=0), 1.0, atol=0.2)
    alike = (noise[:, 1:] * noise[:, :-1]).mean(axis=(0, 1, 2))
    # Two Gaussian bumps d apart and s wide are alike by exp(-d^2 / 4 s^2).
    expected = [0.0, *(np.exp(-1 / (4 * s**2)) for s in inpainting.CLOUDS)]
    np.testing.assert_allclose(alike, expected, atol=0.03)


def test_another_seed_is_other_noise():
    one, other = (inpainting.noise((1, 20, 30), (1, seed)).numpy().ravel() for seed in (2, 3))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.2
