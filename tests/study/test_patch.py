import dataclasses

import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.study import patch
from tests import conftest
from tests.study import made


def test_a_whole_slice_becomes_a_patch_with_its_nodule_in_the_middle():
    whole = conftest.make_set(2, size=128)
    image, mask = whole.image.copy(), np.zeros_like(whole.mask)
    image[:, 40, 90], mask[:, 40, 90] = 777, 1
    moved = np.tile(np.array([40, 90], np.int32), (2, 1))
    whole = dataclasses.replace(whole, image=image, mask=mask, roi_centre=moved, lung=mask)
    found = patch.cut(whole)
    assert found.image.shape == (2, 71, 71)
    assert np.all(found.image[:, 35, 35] == 777) and np.all(found.mask[:, 35, 35] == 1)
    assert found.lung.sum() == 2 and np.all(found.roi_centre == 35)
    np.testing.assert_array_equal(found.image[:, 0, 0], image[:, 5, 55])


def test_patches_of_the_right_size_stay_as_they_are():
    nodules = made.nodule_set(2)
    assert patch.cut(nodules) is nodules


def test_smaller_images_are_refused():
    with pytest.raises(errors.NoduleSetError, match="64 x 64 pixels, a study needs 71 x 71"):
        patch.cut(conftest.make_set(2, size=64))
