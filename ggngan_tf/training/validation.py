"""When to stop: nodules of other patients, painted anew and compared with the real ones.

The paper says that nobody knows when a GAN has trained enough. Radiomic features, which the
networks never see, are what it judges by in the end, and so they judge here while it trains.
"""

import typing

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


class Choice(typing.NamedTuple):
    """Nodules to judge by, in one or two sets; as many other real ones, if there are; a remark."""

    judged: list[nodules.NoduleSet]
    others: nodules.NoduleSet | None
    remark: str


def choose(parts: dict[str, nodules.NoduleSet], settings: config.Config) -> Choice:
    """Returns the nodules to judge by, none if there are not even two.

    Fewer than 20 validation nodules are filled up with training ones, drawn by `split_seed`. What
    is painted there has been learnt by heart in part, so the remark says how many they are.

    Args:
        parts: `train` and `validation`, as `NoduleSet.split` gives them.
        settings: For `split_seed`.
    """
    held, known = parts["validation"], parts["train"]
    order, drawn = (
        np.random.default_rng(settings.data.split_seed).permutation(len(part))
        for part in (held, known)
    )
    order = order[:MOST]
    lacking = max(FEWEST - len(held), 0)
    filled, others = np.sort(drawn[:lacking]), np.sort(drawn[lacking : len(order) + 2 * lacking])
    count = len(order) + len(filled)
    if count < 2:
        return Choice([], None, "no validation: it needs 2 nodules")
    sets = [part for part in (held.take(np.sort(order)), known.take(filled)) if len(part)]
    rest = known.take(others) if len(others) == count else None
    if not lacking:
        return Choice(sets, rest, f"{count} validation nodules")
    return Choice(
        sets,
        rest,
        f"{len(held)} validation nodules are too few to judge by and {len(filled)} training "
        "nodules stand in; what they say of other patients is weak (raise data.fractions)",
    )


class Judge:
    """Paints the chosen nodules and compares their features with those of the real ones."""

    def __init__(self, chosen: Choice, settings: config.Config):
        self.settings = settings
        self.spacing, self.batches = self._prepared(chosen.judged)
        self.real = self._real(self.spacing, self.batches)
        self.floor = self._floor(chosen.others)
        self._paint = tf.function(
            lambda painter, batch, number: painting.paint(painter, batch, settings, number),
            reduce_retracing=True,
        )

    def figures(self, painter: generator.Generator) -> dict[str, float]:
        """Returns `frechet`, the distance of radiomic features, and `differing`, a share of 93.

        `frechet` is infinite where fewer than two nodules have features to compare. `floor` is the
        distance of as many other real nodules, of the training part, where there are as many. A
        painted nodule has the outline of the real one, others do not: it may come to lie below.
        """
        # Numbers below 0 belong to no step, so that the noise is none that was trained on.
        images = [
            self._paint(painter, batch, tf.constant(-1 - number))
            for number, batch in enumerate(self.batches)
        ]
        return compare(self.real, self._features(images, self.spacing, self.batches)) | self.floor

    def _floor(self, others):
        if others is None:
            return {}
        found = compare(self.real, self._real(*self._prepared([others])))
        return {"floor": found["frechet"]} if np.isfinite(found["frechet"]) else {}

    def _prepared(self, sets):
        """Returns pixel spacing, `(nodules, 2)`, and batches."""
        taken = [
            part.take(np.arange(first, min(first + _BATCH, len(part))))
            for part in sets
            for first in range(0, len(part), _BATCH)
        ]
        batches = [pipeline.fixed(part, self.settings, len(part)) for part in taken]
        return np.concatenate([part.pixel_spacing for part in taken]), batches

    def _real(self, spacing, batches):
        return self._features([batch["target"] for batch in batches], spacing, batches)

    def _features(self, images, spacing, batches):
        window = self.settings.data.window
        hu = np.concatenate([inpainting.unscale(i, window).numpy()[..., 0] for i in images])
        masks = np.concatenate([batch["mask"].numpy()[..., 0] for batch in batches])
        return radiomics.features(np.rint(hu).astype(np.int16), masks > 0.5, spacing)


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
