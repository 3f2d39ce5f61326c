import json
import warnings

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf.synthesis import export, painter, saved
from ggngan_tf.training import devices
from tests.synthesis import models_made

SETTINGS = models_made.SETTINGS["default"]


@pytest.fixture(scope="module")
def network():
    return models_made.network(SETTINGS)


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    made = tmp_path_factory.mktemp("bfloat16") / "tiny" / "1"
    made.mkdir(parents=True)
    export.write(painter.Painter(network, SETTINGS, "bfloat16"), made, "tiny", "1")
    return made


def test_a_bfloat16_export_takes_and_gives_float32_and_differs_a_little(network, folder):
    image = np.random.default_rng(1).normal(-800, 100, (1, 64, 64, 1)).astype(np.float32)
    mask = np.zeros_like(image)
    mask[0, 20:40, 20:40] = 1
    given = {"image": image, "mask": mask, "seed": np.int32([3])}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call = saved.load(folder).signatures["serving_default"]
    out = call(**{key: tf.constant(value) for key, value in given.items()})["image"]
    exact = painter.Painter(network, SETTINGS).hu(image, mask, None, tf.constant([3]))
    apart = np.abs(out - exact)[mask > 0]
    assert out.dtype == tf.float32 and np.array_equal(out[mask == 0], image[mask == 0])
    assert 0 < apart.mean() < 2  # HU
    assert np.std(exact[mask > 0]) > 10 * apart.mean()  # so that the bound says something


def test_only_a_machine_without_bfloat16_is_warned(folder, monkeypatch):
    assert json.loads((folder / "manifest.json").read_text())["precision"] == "bfloat16"
    assert "AMX" in (folder / "model_card.md").read_text()
    monkeypatch.setattr(devices, "is_fast_in_bfloat16", lambda: False)
    with pytest.warns(UserWarning, match="computes in bfloat16, which this machine has no"):
        saved.load(folder)
    monkeypatch.setattr(devices, "is_fast_in_bfloat16", lambda: True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        saved.load(folder)
