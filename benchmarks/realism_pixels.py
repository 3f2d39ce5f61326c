"""The judges of `realism.py` that need pixels: a network, copies, differences of seeds."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import cnn, detector, pixels, similarity

NETWORKS = 4  # seeds that the network judges; each takes some 15 s at 50 against 50


def judge(
    real: nodules_.NoduleSet,
    drawn: Sequence[nodules_.NoduleSet],
    training: nodules_.NoduleSet | None,
    seed: int = 0,
) -> dict:
    """Returns what the judges of pixels say of real nodules and of one synthetic set a seed."""
    found = {
        "cnn": _network(real, drawn[:NETWORKS], seed),
        "diversity": similarity.repeats(*drawn),
    }
    if training is not None:
        copies = [pixels.memorisation(real, one, training) for one in drawn]
        found["memorisation"] = {
            "copies": sum(one["copies"] for one in copies),
            "nodules": sum(len(one) for one in drawn),
        } | {k: copies[0][k] for k in ("limit", "real_median", "synthetic_median", "closer_auc")}
    return found


def _network(real, drawn, seed):
    windows = cnn.windows(real)
    names = real.patients()
    each = [
        detector.cross_validate(
            cnn.judge, windows, cnn.windows(one), names, one.patients(), repeats=1, seed=seed + i
        )
        for i, one in enumerate(drawn)
    ]
    joined = dataclasses.replace(each[0], scores=np.concatenate([one.scores for one in each]))
    return joined.summary(rounds=200, seed=seed) | {"each": [one.area for one in each]}
