import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config, inpainting
from ggngan_tf.data import conditions
from ggngan_tf.synthesis import painter
from tests.synthesis import models_made

SIZE = 96
PLACES = {
    "centre": (40, 50),
    "top border": (0, 40),
    "bottom border": (SIZE - 12, 40),
    "left border": (44, 0),
    "top left corner": (0, 0),
    "bottom right corner": (SIZE - 12, SIZE - 12),
}


ASKED = tf.constant([[2.0, 4.0, -500.0, 80.0, 0.5, 3.0, 0.6, 0.1, -50.0]])


@pytest.fixture(scope="module", params=["default", "paper"])
def settings(request):
    small = config.PRESETS[request.param].generator.model_copy(update={"filters": 6, "blocks": 3})
    return config.PRESETS[request.param].model_copy(update={"generator": small})


@pytest.fixture(scope="module")
def network(settings):
    return models_made.network(settings)


def whole_slice(network, settings, image, hole, seed):
    """The plain way: the whole slice through the Keras generator, the hole pasted."""
    scaled = inpainting.scale(image, settings.data.window)
    noise = tf.concat([inpainting.noise((1, *image.shape[1:3]), [s, 0]) for s in seed], 0)
    seen = inpainting.generator_input(
        inpainting.erase(scaled, hole),
        hole,
        noise,
        conditions.scaled(ASKED),
        settings.generator,
    )
    return network(seen, training=False)


@pytest.mark.parametrize("place", PLACES)
def test_the_local_result_is_that_of_the_whole_slice(network, settings, place):
    row, column = PLACES[place]
    image = np.random.default_rng(1).normal(-800, 100, (1, SIZE, SIZE, 1)).astype(np.float32)
    hole = np.zeros_like(image)
    hole[0, row : row + 12, column : column + 12] = 1
    local = painter.Painter(network, settings).hu(image, hole, None, tf.constant([5]), ASKED)
    local = inpainting.scale(local, settings.data.window).numpy()[hole > 0]
    whole = whole_slice(network, settings, image, hole, [5]).numpy()[hole > 0]
    assert np.ptp(whole) > 1e-3  # the network does something, so that equality says something
    np.testing.assert_allclose(local, whole, rtol=0, atol=1e-5)


def test_slices_of_one_batch_do_not_touch_each_other(network, settings):
    random = np.random.default_rng(2)
    image = random.normal(-800, 100, (2, SIZE, SIZE, 1)).astype(np.float32)
    hole = np.zeros_like(image)
    hole[0, 3:30, 60:70], hole[1, 80:96, 2:9] = 1, 1
    made = painter.Painter(network, settings)
    both = made.hu(image, hole, None, tf.constant([1, 2])).numpy()
    for i in range(2):
        alone = made.hu(image[i : i + 1], hole[i : i + 1], None, tf.constant([i + 1])).numpy()
        np.testing.assert_allclose(both[i], alone[0], rtol=0, atol=1e-2)  # HU
        assert np.array_equal(both[i][hole[i] == 0], image[i][hole[i] == 0])
