"""Turns a classifier's logits into probabilities that mean what they say."""

import numpy as np
from scipy import optimize, special

Map = tuple[float, float]  # slope and offset of the logit


def fit(logits: np.ndarray, labels: np.ndarray, how: str) -> Map:
    """Returns slope and offset: the probability is `sigmoid(slope * logit + offset)`.

    Args:
        logits: float `(cases,)`, of patients that were not trained on.
        labels: bool `(cases,)`.
        how: `platt` (slope and offset), `temperature` (slope only) or `none`.

    Source: Platt, Advances in Large Margin Classifiers 1999, with his targets, which keep a
    separable set from sharpening without end; Guo et al., ICML 2017, for the temperature.
    """
    labels = np.asarray(labels, bool)
    if how == "none" or labels.all() or not labels.any():
        return 1.0, 0.0
    positive, negative = labels.sum(), (~labels).sum()
    target = np.where(labels, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def cost(values):
        slope, offset = np.exp(values[0]), values[1] if how == "platt" else 0.0
        z = slope * logits + offset
        return np.mean(np.logaddexp(0, z) - target * z)

    # The slope's logarithm is sought, so that calibration never turns the order of cases round.
    found = optimize.minimize(cost, np.zeros(2), method="Nelder-Mead", options={"maxiter": 500})
    slope = float(np.exp(np.clip(found.x[0], -5, 5)))
    return slope, float(found.x[1]) if how == "platt" else 0.0


def apply(logits: np.ndarray, found: Map) -> np.ndarray:
    """Returns probabilities, float64, of the shape of `logits`."""
    return special.expit(found[0] * np.asarray(logits, np.float64) + found[1])


def error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> float:
    """Returns the expected calibration error: how far off probabilities are in the mean, 0 to 1."""
    edges = np.quantile(probabilities, np.linspace(0, 1, bins + 1)[1:-1])
    which = np.digitize(probabilities, edges)
    off = [
        (which == i).mean() * abs(labels[which == i].mean() - probabilities[which == i].mean())
        for i in np.unique(which)
    ]
    return float(np.sum(off))
