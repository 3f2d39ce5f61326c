import numpy as np
import pytest
from scipy import ndimage

from ggngan_tf.study import finish

ROW, COLUMN = np.mgrid[:71, :71] - 35
MASK = np.uint8(np.hypot(ROW, COLUMN) <= 8)
HOLE = np.hypot(ROW, COLUMN) <= 10


@pytest.fixture
def images():
    original = np.random.default_rng(0).normal(-850, 50, (71, 71)).astype(np.int16)
    return np.where(HOLE, -600, original).astype(np.int16), original


def done(images, feather=0.0, noise=False):
    return finish.finish(*images, MASK, feather, noise, np.random.default_rng(1))


def test_nothing_asked_for_changes_nothing(images):
    np.testing.assert_array_equal(done(images), images[0])


def test_a_soft_border_keeps_the_nodule_and_what_lies_outside(images):
    original = images[1]
    found = done(images, feather=2.0)
    assert np.all(found[MASK > 0] == -600)
    np.testing.assert_array_equal(found[~HOLE], original[~HOLE])
    # One pixel outside the mask a third of the way is gone, two outside two thirds.
    expected = np.rint(-600 * 2 / 3 + original[35, 35 + 9] / 3)
    assert found[35, 35 + 9] == expected
    assert found[35, 35 + 10] == np.rint(-600 / 3 + original[35, 35 + 10] * 2 / 3)


def test_a_smooth_nodule_gets_the_noise_of_the_lung_around_it(images):
    found, original = done(images, noise=True), images[1]
    fine = lambda image: image - ndimage.gaussian_filter(image.astype(float), 1.0)  # noqa: E731
    inside = np.hypot(ROW, COLUMN) <= 6
    assert fine(images[0])[inside].std() < 1
    assert fine(found)[inside].std() == pytest.approx(fine(original).std(), rel=0.25)
    assert abs(found[inside].mean() - -600) < 15
    np.testing.assert_array_equal(found[~HOLE], original[~HOLE])


def test_a_nodule_as_noisy_as_its_surroundings_gets_no_more(images):
    original = images[1]
    noisy = np.where(HOLE, original + 250, original).astype(np.int16)
    found = done((noisy, original), noise=True)
    assert np.abs(found.astype(int) - noisy)[HOLE].mean() < 20
