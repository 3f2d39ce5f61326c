"""A real set and a planted synthetic one, which any reader could tell apart by its smoothness."""

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from ggngan_tf.data import nodules
from tests.conftest import make_set


def smoothed(real: nodules.NoduleSet, sigma: float = 2.0) -> nodules.NoduleSet:
    """Returns the set with its 32 x 32 regions smoothed, marked synthetic."""
    image = real.image.copy()
    for row, centre in zip(image, real.roi_centre, strict=True):
        rows, columns = (slice(max(c - 16, 0), c + 16) for c in centre)
        row[rows, columns] = ndimage.gaussian_filter(row, sigma)[rows, columns]
    marks = {"synthetic": True, "generator_sha256": "0" * 64, "config": "smooth", "seed": 1}
    return dataclasses.replace(real, image=image, attributes=real.attributes | marks)


@pytest.fixture(scope="session")
def sets(tmp_path_factory):
    """Paths of 40 drawn real nodules and of 40 smoothed ones of other patients."""
    folder = tmp_path_factory.mktemp("sets")
    drawn = make_set(rows=80, seed=3)
    nodules.write(drawn.take(np.arange(40)), folder / "real.h5")
    nodules.write(smoothed(drawn.take(np.arange(40, 80))), folder / "synthetic.h5")
    return folder / "real.h5", folder / "synthetic.h5"
