import dataclasses

import numpy as np
import tensorflow as tf

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


def test_conditions_are_mean_ratings_and_the_mean_density_inside_the_window():
    found = conditions.measure(made(), (-1000.0, 400.0))
    # The second nodule's -2000 and 900 HU count as -1000 and 400; no reader rated its texture.
    np.testing.assert_allclose(found, [[1.5, 4.0, -600.0], [3.0, 1.0, -500.0]])


def test_networks_see_conditions_about_zero():
    found = conditions.scaled(tf.constant([[1.0, 5.0, -500.0], [3.0, 3.0, -800.0]]))
    np.testing.assert_allclose(found, [[-1.0, 1.0, 0.0], [0.0, 0.0, -1.0]])
