"""One classifier from first to last: trained, calibrated, its threshold set, tested."""

import dataclasses
from typing import Any

import numpy as np

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.study import calibration, classifier, metrics
from ggngan_tf.study import settings as settings_


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """What a classifier leaves behind.

    Attributes:
        weights: The network's.
        scores: `test` and `validation`, probabilities; `labels`, `patients` and `nodules` of test.
        figures: Metrics on test patients, the threshold, how it was calibrated and stopped.
    """

    weights: list[np.ndarray]
    scores: dict[str, np.ndarray]
    figures: dict[str, Any]


def run(
    subset: nodules_.NoduleSet,
    validation: nodules_.NoduleSet,
    test: nodules_.NoduleSet,
    added: nodules_.NoduleSet | None,
    *,
    how: settings_.Classifier,
    rule: nodules_.Rule,
    window: tuple[float, float],
    ratio: float,
    balance: classifier.Balance,
    seed: int,
) -> Trial:
    """Trains on the subset and the first `ratio` x GGNs rows of `added`, and tests.

    Validation patients choose the step, the calibration and the threshold; test patients nothing.
    """
    training = _examples(subset, rule)
    real = int(training.labels.sum())
    if added is not None:
        count = min(round(ratio * real), len(added))
        images = added.image[:count]
        training = training.plus(classifier.Examples(images, np.ones(count, bool)))
    held, judged = _examples(validation, rule), _examples(test, rule)
    trained = classifier.train(training, held, how, window, seed, balance)
    logits = [classifier.score(trained.weights, e.images, how, window) for e in (held, judged)]
    fitted = calibration.fit(logits[0], held.labels, how.calibration)
    known, found = (calibration.apply(each, fitted) for each in logits)
    threshold = metrics.best_threshold(held.labels, known) if how.threshold == "f1" else 0.5
    values = metrics.all_of(judged.labels, found, threshold)
    figures = dict(zip(metrics.NAMES, values.tolist(), strict=True)) | {
        "threshold": threshold,
        "calibration": list(fitted),
        "calibration_error": calibration.error(judged.labels, found),
        "validation_average_precision": max(value for _, value in trained.history),
        "step": trained.step,
        "steps": trained.history[-1][0],
        "real_ggns": real,
        "others": int((~training.labels).sum()),
        "added": int(training.labels.sum()) - real,
    }
    scores = {
        "test": found,
        "validation": known,
        "labels": judged.labels,
        "patients": test.patients(),
        "nodules": test.nodule_id,
    }
    return Trial(trained.weights, scores, figures)


def _examples(nodules, rule):
    labels = nodules_.ground_glass(nodules.texture, rule)
    return classifier.Examples(nodules.image, labels)
