"""When to stop: nodules of other patients, painted anew and compared with the real ones.

The paper says that nobody knows when a GAN has trained enough. Radiomic features, which the
networks never see, are what it judges by in the end, and so they judge here while it trains.
"""

import numpy as np
import pandas as pd
import tensorflow as tf

from ggngan_tf import config, inpainting
from ggngan_tf.data import nodules, pipeline
from ggngan_tf.evaluation import distributions, frechet, radiomics
from ggngan_tf.models import generator
from ggngan_tf.training import painting

FEWEST = 20  # nodules: even then p < 0.05 needs a Kolmogorov-Smirnov distance of 0.45
MOST = 200  # nodules, so that validation stays short on large sets
_BATCH = 16  # nodules painted at a time; memory stays small on whole slices too


def choose(
    parts: dict[str, nodules.NoduleSet], settings: config.Config
) -> tuple[list[nodules.NoduleSet], str]:
    """Returns the nodules to judge by, in one or two sets, and a remark; none if not even two.

    Fewer than 20 validation nodules are filled up with training ones, drawn by `split_seed`. What
    is painted there has been learnt by heart in part, so the remark says how many they are.

    Args:
        parts: `train` and `validation`, as `NoduleSet.split` gives them.
        settings: For `split_seed`.
    """
    held, known = parts["validation"], parts["train"]
    order = np.random.default_rng(settings.data.split_seed)
    if len(held) >= FEWEST:
        rows = np.sort(order.permutation(len(held))[:MOST])
        return [held.take(rows)], f"{len(rows)} validation nodules"
    rows = np.sort(order.permutation(len(known))[: FEWEST - len(held)])
    if len(held) + len(rows) < 2:
        return [], "no validation: it needs 2 nodules"
    chosen = [part for part in (held, known.take(rows)) if len(part)]
    return chosen, (
        f"{len(held)} validation nodules are too few to judge by and {len(rows)} training nodules "
        "stand in; what they say of other patients is weak (raise data.fractions)"
    )


class Judge:
    """Paints the chosen nodules and compares their features with those of the real ones."""

    def __init__(self, chosen: list[nodules.NoduleSet], settings: config.Config):
        self.window = settings.data.window
        taken = [
            part.take(np.arange(first, min(first + _BATCH, len(part))))
            for part in chosen
            for first in range(0, len(part), _BATCH)
        ]
        self.spacing = np.concatenate([part.pixel_spacing for part in taken])
        self.batches = [pipeline.fixed(part, settings, len(part), mask=True) for part in taken]
        self.real = self._features([batch["target"] for batch in self.batches])
        self._paint = tf.function(
            lambda painter, batch, number: painting.paint(painter, batch, settings, number),
            reduce_retracing=True,
        )

    def figures(self, painter: generator.Generator) -> dict[str, float]:
        """Returns `frechet`, the distance of radiomic features, and `differing`, a share of 93.

        `frechet` is infinite where fewer than two nodules have features to compare.
        """
        # Numbers below 0 belong to no step, so that the noise is none that was trained on.
        images = [
            self._paint(painter, batch, tf.constant(-1 - number))
            for number, batch in enumerate(self.batches)
        ]
        return compare(self.real, self._features(images))

    def _features(self, images):
        hu = np.concatenate([inpainting.unscale(i, self.window).numpy()[..., 0] for i in images])
        masks = np.concatenate([batch["mask"].numpy()[..., 0] for batch in self.batches])
        return radiomics.features(np.rint(hu).astype(np.int16), masks > 0.5, self.spacing)


def compare(real: np.ndarray, painted: np.ndarray) -> dict[str, float]:
    """Returns `frechet` and `differing` of two tables of the 93 features, `(nodules, 93)`.

    A nodule without features in one of them (too small a mask) is left out of both.
    """
    kept = np.isfinite(real).all(axis=1) & np.isfinite(painted).all(axis=1)
    if kept.sum() < 2:
        return {"frechet": float("inf"), "differing": 1.0}
    real, painted = real[kept], painted[kept]
    scale = frechet.scale(real)
    tables = [pd.DataFrame(values, columns=radiomics.FEATURES) for values in (real, painted)]
    found = distributions.summary(distributions.compare(*tables))
    return {
        "frechet": frechet.frechet(scale(real), scale(painted)),
        "differing": 1.0 - found["not_significant"] / found["features"],
    }
