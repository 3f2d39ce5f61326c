"""A small generator with weights as after training, exported without a run."""

import pathlib

import numpy as np

from ggngan_tf import config
from ggngan_tf.models import generator
from ggngan_tf.synthesis import export, painter

SETTINGS = {
    preset: config.PRESETS[preset].model_copy(
        update={
            "generator": config.PRESETS[preset].generator.model_copy(
                update={"filters": 4, "blocks": 2}
            )
        }
    )
    for preset in ("default", "paper")
}


def network(settings: config.Config) -> generator.Generator:
    made = generator.make(settings.generator)
    random = np.random.default_rng(3)
    # Weights as after training: slopes, means and variances that are not those of a fresh layer.
    turned = [
        w if w.ndim == 4 and w.size > 6 else np.abs(w + random.normal(0, 0.2, w.shape))
        for w in made.get_weights()
    ]
    made.set_weights(turned)
    return made


def write(folder: pathlib.Path, preset: str = "default", metrics: dict | None = None) -> None:
    settings = SETTINGS[preset]
    made = painter.Painter(network(settings), settings)
    folder.mkdir(parents=True)
    export.write(made, folder, folder.parent.name, folder.name, steps=7, metrics=metrics)
