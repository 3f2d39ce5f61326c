import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config, errors
from ggngan_tf.data import conditions
from tests.conftest import make_set


def made():
    """Two nodules of four pixels each, whose densities and ratings are worked out by hand."""
    chosen = make_set(2, size=71)
    image, mask = np.full_like(chosen.image, -800), np.zeros_like(chosen.mask)
    mask[:, 30:32, 30:32] = 1
    image[0, 30:32, 30:32] = [[-700, -600], [-500, -600]]
    image[1, 30:32, 30:32] = [[-2000, 900], [-700, -700]]
    ratings = {
        "texture": np.array([[1, 2, 0, 0], [0, 0, 0, 0]], np.int8),
        "malignancy": np.array([[5, 4, 3, 0], [1, 0, 0, 0]], np.int8),
    }
    return dataclasses.replace(chosen, image=image, mask=mask, **ratings)


def test_conditions_are_mean_ratings_and_mean_and_deviation_inside_the_window():
    found = conditions.measure(made(), (-1000.0, 400.0))
    # The second nodule's -2000 and 900 HU count as -1000 and 400; no reader rated its texture.
    # Deviations: of 100, 0, 100, 0, the root of 5,000; of 500, 900, 200, 200, that of 285,000.
    # The third powers of these are 0 and 147e6 in the mean, the fourth 50e6 and 180.45e9; what
    # they are divided by has 25 HU squared added to the variance.
    # Products of neighbours: 0 and 0 to the right, -10e3 and 0 below; -450e3 and 40e3 to the right,
    # 100e3 and -180e3 below. The mean of all is 0, and each is an outermost one.
    first = [1.5, 4.0, -600.0, 5000**0.5, 0.0, 50e6 / 5025**2, -2.5e3 / 5025, 0.0, 0.0]
    second = [3.0, 1.0, -500.0, 285_000**0.5, 147e6 / 285_025**1.5, 180.45e9 / 285_025**2]
    second += [(-205e3 - 40e3) / 2 / 285_025, 0.0, 0.0]
    np.testing.assert_allclose(found, [first, second], rtol=1e-5, atol=1e-6)


def test_structure_is_what_local_means_keep_and_an_edge_the_outermost_pixels():
    mask = np.zeros((1, 30, 30, 1), np.float32)
    mask[:, 4:26, 4:26] = 1
    rows, columns = np.indices((30, 30))
    fine = np.where((rows + columns) % 2, -600.0, -500.0)
    halves = np.where(columns < 15, -600.0, -500.0)
    core = (abs(rows - 14.5) < 10) & (abs(columns - 14.5) < 10)
    hu = np.float32([fine, halves, np.where(core, -500.0, -584.0)])[..., None]
    masks = tf.constant(np.tile(mask, (3, 1, 1, 1)))
    found = conditions.distribution(tf.constant(hu), masks).numpy()
    structure = conditions.NAMES.index("structure") - 2
    share = 2500 / 2525  # of the variance, to which 25 HU squared are added
    # A chess board's means are a 25th of its contrast; of halves of 11 columns each, the means are
    # 3/5 and 1/5 of it in the two columns beside the middle and all of it in the other nine.
    assert found[0, structure] < 0.01
    assert found[1, structure] == pytest.approx((0.6**2 + 0.2**2 + 9) / 11 * share, rel=1e-4)
    # 400 of 484 pixels are in the core, 84 HU above the others.
    assert found[2, -1] == pytest.approx(-84 * 400 / 484, rel=1e-4)


def test_the_distribution_has_gradients_where_a_nodule_is_flat():
    hu, mask = tf.fill((1, 8, 8, 1), -700.0), tf.ones((1, 8, 8, 1))
    with tf.GradientTape() as tape:
        tape.watch(hu)
        total = tf.reduce_sum(conditions.distribution(hu, mask))
    assert np.isfinite(tape.gradient(total, hu)).all()


def test_networks_see_conditions_about_zero():
    one = [1.0, 5.0, -500.0, 100.0, 0.2, np.e, 0.5, 0.3, -60.0]
    other = [3.0, 3.0, -800.0, 50.0, -0.8, np.e**1.5, 0.9, 0.0, 20.0]
    found = conditions.scaled(tf.constant([one, other], tf.float32))
    needed = [[-1.0, 1.0] + [0.0] * 7, [0.0, 0.0, -1.0, -0.5, -1.0, 1.0, 1.0, -1.0, 1.0]]
    np.testing.assert_allclose(found, needed, atol=1e-6)


def known():
    """40 nodules, each twice as large as the one before; the first 21 of grade 1."""
    alike = [100, 0, 3, 0.5, 0.1, -50]
    rows = [[1.0, 100.0 * 2**i, -850, 20, 1 + (i > 20), 3, -600 - i, *alike] for i in range(40)]
    return np.float32(rows)


def drawn(pixels, seeds, lung=-850.0, **asked):
    wanted = np.full((len(seeds), 9), np.nan, np.float32)
    for name, value in asked.items():
        wanted[:, conditions.NAMES.index(name)] = value
    places = np.tile(np.float32([pixels, lung, 20]), (len(seeds), 1))
    seeds = np.stack([seeds, seeds], axis=1).astype(np.int32)
    return conditions.draw(known(), places, wanted, seeds).numpy()


def test_what_is_not_asked_for_is_that_of_one_of_the_eight_nearest_in_size():
    found = drawn(100, np.arange(300))
    assert set(found[:, 2]) == {-600.0 - i for i in range(8)}


def test_a_nodule_is_as_far_above_denser_lung_as_it_was_above_its_own():
    found = drawn(100, np.arange(300), lung=-750.0)
    assert set(found[:, 2]) == {-500.0 - i for i in range(8)}


def test_a_nodule_is_drawn_at_least_90_hu_above_the_lung_around():
    places, nothing = np.float32([[100, -850, 20]]), np.full((1, 9), np.nan, np.float32)
    faint = known()[:1] - np.float32([0] * 6 + [240] + [0] * 6)  # -840: 10 HU above its lung
    assert conditions.draw(faint, places, nothing, np.int32([[1, 1]]))[0, 2] == -760


def test_what_is_asked_for_comes_back_and_draws_nodules_that_are_like_it():
    found = drawn(100 * 2**21, np.arange(50), texture=1.0, density=-333.0)
    assert set(found[:, 0]) == {1.0} and set(found[:, 2]) == {-333.0}


def test_nodules_of_other_textures_are_drawn_only_where_a_texture_is_asked_for():
    mixed = known()
    mixed[21:, 0] = 0  # grade 2 and not what the generator is for
    seeds = np.stack([np.arange(50)] * 2, axis=1).astype(np.int32)
    places = np.tile(np.float32([100 * 2**30, -850, 20]), (50, 1))
    nothing = np.full((50, 9), np.nan, np.float32)
    free = conditions.draw(mixed, places, nothing, seeds).numpy()
    assert set(free[:, 0]) == {1.0}
    nothing[:, 0] = 2.0
    asked = conditions.draw(mixed, places, nothing, seeds).numpy()
    assert asked[:, 2].max() < -620  # the rows of grade 2


def test_the_same_seed_draws_the_same_nodule():
    assert np.array_equal(drawn(100, np.arange(9)), drawn(100, np.arange(9)))


def test_a_place_is_its_size_and_the_lung_around_and_not_what_is_in_the_hole():
    hu = np.full((1, 40, 40, 1), -800.0, np.float32)
    hole = np.zeros_like(hu)
    hole[0, 15:25, 15:25] = 1
    hu[:, :, 30:] = 40.0  # the chest wall counts as no lung
    empty = conditions.place(tf.constant(hu), tf.constant(hole), tf.constant([100])).numpy()
    hu[hole > 0] = 300.0
    filled = conditions.place(tf.constant(hu), tf.constant(hole), tf.constant([100])).numpy()
    np.testing.assert_array_equal(empty, filled)
    assert empty[0, 0] == 100 and abs(empty[0, 1] + 800) < 1


def test_noise_around_is_measured():
    random = np.random.default_rng(0)
    hole = np.zeros((1, 40, 40, 1), np.float32)
    hole[0, 15:25, 15:25] = 1
    noises = [
        conditions.place(
            tf.constant(random.normal(-800, deviation, hole.shape), tf.float32),
            tf.constant(hole),
            tf.constant([100]),
        )[0, 2]
        for deviation in (5.0, 50.0)
    ]
    # The mean of |x| of what the blur leaves of white noise, one of 0.9 of its deviation.
    expected = 0.8 * np.sqrt(1 - 2 * (6 / 16) ** 2 + (70 / 256) ** 2) * np.array([5, 50])
    np.testing.assert_allclose(noises, expected, rtol=0.15)


def test_a_table_of_nodules_is_read_as_it_was_written(tmp_path):
    settings = config.PRESETS["default"]
    table = conditions.table(made(), settings)
    # 2 x 2 pixels grown by two steps of a cross: 4, then 12, then 24 pixels; lung is -800 HU.
    assert table[:, 1].tolist() == [24.0, 24.0]
    np.testing.assert_allclose(table[:, 2], -800.0, atol=1.0)
    conditions.write(table, tmp_path / conditions.FILE)
    np.testing.assert_allclose(conditions.read(tmp_path / conditions.FILE), table, rtol=1e-3)


def test_another_table_is_refused(tmp_path):
    (tmp_path / "nodules.csv").write_text("a,b\n1,2\n")
    with pytest.raises(errors.ModelError, match="is not a table of nodules"):
        conditions.read(tmp_path / "nodules.csv")
