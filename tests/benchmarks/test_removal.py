import numpy as np
import pytest
import removal

from tests import conftest


def test_what_is_left_of_a_nodule_is_its_height_above_the_lung_around():
    one = conftest.make_set(rows=3)
    flat = np.full(one.image.shape, -850, np.int16)
    nodule = np.where(one.mask > 0, -650, flat)
    np.testing.assert_allclose(removal.left(nodule, one.mask), 200.0)
    np.testing.assert_allclose(removal.left(flat, one.mask), 0.0)


def test_healthy_places_lie_in_lung_and_off_the_nodule():
    drawn = conftest.make_set(rows=6)
    places = removal.healthy(drawn, drawn)
    assert 0 < len(places) <= 6
    for image, mask, patient in zip(places.image, places.mask, places.patients(), strict=True):
        assert mask.any()
        assert image[mask > 0].mean() == pytest.approx(-850, abs=25)
        assert patient in drawn.patients()
