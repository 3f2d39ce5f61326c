"""Erases every nodule of a set and paints it anew in its own surroundings."""

import dataclasses

import numpy as np
import tqdm

from ggngan_tf import config
from ggngan_tf.data import nodules
from ggngan_tf.synthesis import saved

_BATCH = 8  # nodules at a time; memory stays small on whole slices too


def repaint(
    source: nodules.NoduleSet,
    model: saved.Model,
    seed: int,
    asked: np.ndarray | None = None,
) -> nodules.NoduleSet:
    """Returns the set with every nodule painted anew; masks, ratings and provenance are kept.

    The same seed gives the same nodules. The ratings are those of the nodule that was erased.

    Args:
        source: Real nodules.
        model: The generator.
        seed: Each row draws its own from this one.
        asked: float32 `(7,)`, what all nodules should be, in the order of `conditions.NAMES`, NaN
            where chance may choose; None for all of it.
    """
    seeds = row_seeds(seed, len(source))
    starts = tqdm.trange(0, len(source), _BATCH, desc="painting", delay=2, unit="batch")
    images = [
        model.paint(
            source.image[start : start + _BATCH],
            source.mask[start : start + _BATCH],
            None if source.lung is None else source.lung[start : start + _BATCH],
            seeds[start : start + _BATCH],
            *_each(asked, len(seeds[start : start + _BATCH])),
        )[0]
        for start in starts
    ]
    attributes = source.attributes | provenance(model, seed)
    return dataclasses.replace(source, image=np.concatenate(images), attributes=attributes)


def _each(asked, count):
    return [] if asked is None else [np.tile(asked, (count, 1))]


def row_seeds(seed: int, count: int) -> np.ndarray:
    """Returns one seed a nodule, int32 `(count,)`; a longer set begins with the same ones."""
    return np.random.default_rng(seed).integers(0, 2**31 - 1, count, dtype=np.int32)


def provenance(model: saved.Model, seed: int) -> dict:
    """Returns the attributes that mark a set as synthetic (docs/design.md, section 3)."""
    return {
        "synthetic": True,
        "generator_sha256": model.sha256,
        "config": config.dump(model.settings),
        "seed": seed,
    }
