"""Small sets and settings of a study for tests."""

import numpy as np

from ggngan_tf.data import nodules
from ggngan_tf.study import settings
from tests import conftest


def nodule_set(patients: int = 40, seed: int = 0) -> nodules.NoduleSet:
    """Returns two nodules a patient: a bright small one, and in every second patient a hazy one."""
    random = np.random.default_rng(seed)
    rows = 2 * patients
    hazy = np.arange(rows) % 4 == 0
    row, column = np.mgrid[:71, :71] - 35
    radius = np.where(hazy, random.uniform(5, 9, rows), random.uniform(2, 3.5, rows))
    discs = np.hypot(row, column)[None] <= radius[:, None, None]
    level = np.where(hazy, 220, 800)[:, None, None]
    image = random.normal(-850, 40, (rows, 71, 71)) + level * discs
    texture = np.where(hazy[:, None], [1, 2, 0, 0], [5, 5, 4, 0]).astype(np.int8)
    names = np.array([f"P{i // 2:03d}" for i in range(rows)])
    changes = {"image": image.astype(np.int16), "mask": discs.astype(np.uint8)}
    return conftest.make_set(rows, texture=texture, patient_id=names, **changes)


def study(**changes) -> settings.Study:
    """Returns settings that take moments, two subsets and one seed."""
    values = {
        "percentages": (50.0, 100.0),
        "seeds": 1,
        "arms": ("real", "oversampled", "copy_paste", "synthetic"),
        "gan": settings.Gan(
            preset="smoke", overrides=("generator.filters=4", "generator.blocks=1"), steps=2
        ),
        "classifier": settings.Classifier(
            filters=(4, 8), steps=8, batch=8, validate_every=4, dropout=0.0
        ),
        "bootstrap": 50,
    }
    return settings.Study(**(values | changes))
