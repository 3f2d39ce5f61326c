"""The judges of `realism.py` that need pixels: a network, copies, differences of seeds."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import realism_reference
from scipy import ndimage

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import cnn, detector, patches, pixels, seams, similarity

SPLITS = realism_reference.SPLITS  # draws of real against real for seams, few for the network
NETWORKS = 4  # seeds that the network judges; each takes some 15 s at 50 against 50
_BLANK = -0.6  # of the network's input, about -850 HU: lung
_GROWN = 4  # pixels around a nodule that are hidden too, more than any painter adds


def judge(
    real: nodules_.NoduleSet,
    drawn: Sequence[nodules_.NoduleSet],
    seen: Sequence[np.ndarray] | None,
    training: nodules_.NoduleSet | None,
    seed: int = 0,
) -> dict:
    """Returns what the judges of pixels say of real nodules and of one synthetic set a seed.

    Args:
        real: Real nodules.
        drawn: Synthetic ones, a set a seed.
        seen: bool of the shape of each set's images, what is no repeated edge; None for all. Real
            nodules are then blanked in the same places as synthetic ones, drawn at random.
        training: What was learnt from, to look for copies.
        seed: Of the folds.
    """
    hidden = None if seen is None else [~_windows(s, d) for s, d in zip(seen, drawn, strict=True)]
    found = {"cnn": network(real, drawn[:NETWORKS], hidden, seed)}
    if hidden is None:
        found["diversity"] = similarity.repeats(*drawn)
    else:  # of other places each seed
        found["cnn_surroundings"] = network(real, drawn[:2], hidden, seed, nodule=False)
    if training is not None:
        copies = [pixels.memorisation(real, one, training) for one in drawn]
        found["memorisation"] = {
            "copies": sum(one["copies"] for one in copies),
            "nodules": sum(len(one) for one in drawn),
        } | {k: copies[0][k] for k in ("limit", "real_median", "synthetic_median", "closer_auc")}
    return found


def real_against_real(reference: realism_reference.Reference, first: int, second: int) -> dict:
    """Returns `auc_cnn` and `auc_seam` of real against real, each as `spread` gives it."""

    def make():
        pool = reference.nodules
        borders = seams.excess(pool)
        areas, steps = [], []
        for split in range(SPLITS):
            a, b = realism_reference.pair(pool.patients(), first, second, split)
            ours, theirs = ({n: v[rows] for n, v in borders.items()} for rows in (a, b))
            steps.append(seams.compare(ours, theirs)["auc"])
            if split < NETWORKS:
                areas.append(network(pool.take(a), [pool.take(b)], seed=split)["auc"])
        return {
            "auc_cnn": realism_reference.spread(areas),
            "auc_seam": realism_reference.spread(steps),
        }

    return realism_reference.keep(reference, f"pixels-{first}-{second}-{SPLITS}-{NETWORKS}", make)


def network(
    real: nodules_.NoduleSet,
    drawn: Sequence[nodules_.NoduleSet],
    hidden: Sequence[np.ndarray] | None = None,
    seed: int = 0,
    nodule: bool = True,
) -> dict:
    """Returns the network's area over all seeds, each judged by itself.

    Args:
        real: Real nodules.
        drawn: Synthetic ones, a set a seed.
        hidden: bool `(N, 64, 64)` a set, blanked pixels of the windows.
        seed: Of the folds.
        nodule: Whether the nodule is shown; without, it is judged by its surroundings alone.
    """
    each = []
    for i, one in enumerate(drawn):
        ours, theirs = (_shown(s, nodule) for s in (real, one))
        if hidden is not None:
            random = np.random.default_rng([seed, i])
            like = hidden[i][random.integers(len(one), size=len(real))]
            ours, theirs = np.where(like, _BLANK, ours), np.where(hidden[i], _BLANK, theirs)
        names = real.patients(), one.patients()
        each.append(
            detector.cross_validate(
                cnn.judge,
                ours.astype(np.float32),
                theirs.astype(np.float32),
                *names,
                repeats=1,
                seed=seed + i,
            )
        )
    joined = dataclasses.replace(each[0], scores=np.concatenate([one.scores for one in each]))
    return joined.summary(rounds=200, seed=seed) | {"each": [one.area for one in each]}


def _shown(nodules, nodule):
    windows = cnn.windows(nodules)
    if nodule:
        return windows
    masks = patches.cut(nodules, patches.CONTEXT)[1]
    grown = [ndimage.binary_dilation(mask, iterations=_GROWN) for mask in masks]
    return np.where(np.array(grown), _BLANK, windows)


def _windows(seen, nodules):
    """Returns which pixels of the network's windows are no repeated edge, `(N, 64, 64)`."""
    marked = dataclasses.replace(nodules, image=np.asarray(seen, np.int16))
    return patches.cut(marked, patches.CONTEXT)[0] > 0
