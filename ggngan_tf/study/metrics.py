"""How well a classifier tells ground glass from other nodules, and how sure that is.

All figures are computed with a weight for each case, so that thousands of bootstrap draws, which
are nothing but weights, take one pass.
"""

import numpy as np

NAMES = ("precision", "recall", "f1", "auc", "average_precision")


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Returns the area under the precision-recall curve, as a sum of steps; NaN without GGNs.

    Nodules of equal score come in together, so that their order says nothing.

    Args:
        labels: bool `(cases,)`.
        scores: `(cases,)`, higher for ground glass.
    """
    return float(_ranked(labels, scores, np.ones((1, len(labels))))[1][0])


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Returns the area under the ROC curve, ties counting half; NaN if a class is missing."""
    return float(_ranked(labels, scores, np.ones((1, len(labels))))[0][0])


def all_of(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Returns the five figures of `NAMES`, float64 `(5,)`; see `bootstrap`."""
    return bootstrap(labels, probabilities, threshold, np.ones((1, len(labels))))[0]


def best_threshold(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Returns the probability from which on calling ground glass gives the best F1.

    It lies half-way between two neighbours, so that it does not hang on one case's rounding.
    """
    values = np.unique(probabilities)
    cuts = np.append(values[:1], (values[1:] + values[:-1]) / 2)
    one = np.ones((1, len(labels)))
    scores = [np.nan_to_num(_called(labels, probabilities >= cut, one)[2][0]) for cut in cuts]
    return float(cuts[int(np.argmax(scores))])


def draws(patients: np.ndarray, labels: np.ndarray, rounds: int, seed: int = 0) -> np.ndarray:
    """Returns how often each case is in each bootstrap draw of whole patients, int `(rounds, N)`.

    As many patients with a GGN and as many without are drawn as there are.
    """
    names, member = np.unique(patients, return_inverse=True)
    has = np.zeros(len(names), bool)
    np.logical_or.at(has, member, np.asarray(labels, bool))
    random = np.random.default_rng(seed)
    counts = np.zeros((rounds, len(names)), int)
    for stratum in (np.flatnonzero(has), np.flatnonzero(~has)):
        if len(stratum):
            even = np.full(len(stratum), 1 / len(stratum))
            counts[:, stratum] = random.multinomial(len(stratum), even, size=rounds)
    return counts[:, member]


def bootstrap(
    labels: np.ndarray, probabilities: np.ndarray, threshold: float, drawn: np.ndarray
) -> np.ndarray:
    """Returns the figures of each draw, float64 `(rounds, 5)`, in the order of `NAMES`.

    Precision is 0 where nothing is called; recall and areas are NaN where a class is missing.

    Args:
        labels: bool `(cases,)`.
        probabilities: `(cases,)`.
        threshold: From which on a case is called ground glass.
        drawn: What `draws` returned; the same draws for every classifier make their differences
            paired.
    """
    called = np.asarray(probabilities) >= threshold
    areas = _ranked(labels, probabilities, drawn)
    return np.stack([*_called(labels, called, drawn), *areas], axis=1)


def _called(labels, called, drawn):
    labels = np.asarray(labels, bool)
    hits = drawn @ (labels & called)
    all_called, there = drawn @ called, drawn @ labels
    precision = _divide(hits, all_called, 0.0)
    return precision, _divide(hits, there), _divide(2 * hits, all_called + there)


def _ranked(labels, scores, drawn):
    """Returns the areas under the ROC and the precision-recall curve of each draw."""
    labels, scores = np.asarray(labels, bool), np.asarray(scores, float)
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # of each group of equal scores
    drawn = np.asarray(drawn, float)[:, order]
    positive = np.cumsum(drawn * labels[order], axis=1)[:, last]
    everyone = np.cumsum(drawn, axis=1)[:, last]
    negative = everyone - positive
    gained = np.diff(positive, axis=1, prepend=0.0)
    lost = np.diff(negative, axis=1, prepend=0.0)
    precision = _divide(positive, everyone, 0.0)
    area = ((positive - gained / 2) * lost).sum(axis=1)
    return (
        _divide(area, positive[:, -1] * negative[:, -1]),
        _divide((gained * precision).sum(axis=1), positive[:, -1]),
    )


def _divide(above, below, empty=np.nan):
    above, below = np.asarray(above, float), np.asarray(below, float)
    return np.divide(above, below, out=np.full(above.shape, empty), where=below > 0)
