"""Readers against a classifier on the same cases: paired DeLong and McNemar, as in the paper.

The paper compares its clinicians (AUC 0.68, accuracy 0.74) with logistic regression on radiomics
(0.66, 0.62).
"""

import pathlib
from typing import Any

import numpy as np
import pandas as pd

from ggngan_tf import errors
from ggngan_tf.evaluation import comparison, detector, radiomics, statistics
from ggngan_tf.turing import documents

_COLUMNS = ("truth", "nodule_id", "score")


def from_features(
    real: pathlib.Path, synthetic: pathlib.Path, key: documents.Key, *, seed: int = 0
) -> dict[str, float]:
    """Returns logistic regression's probability of real for each case, out of fold.

    It is trained on all nodules of both tables, never on a case's own patient.

    Args:
        real: Table that `ggngan radiomics` made of the set that the real cases are from.
        synthetic: Of the synthetic set.
        key: The study's key, which names each case's nodule.
        seed: Of the folds.

    Raises:
        RadiomicsError: A table cannot be read, or has too few patients.
        ReadingError: A case's nodule is not in its table, or has no features there.
    """
    tables = [_complete(radiomics.read(path)) for path in (real, synthetic)]
    values = [table[list(radiomics.FEATURES)].to_numpy(float) for table in tables]
    groups = [comparison.patients(table) for table in tables]
    verdict = detector.cross_validate(detector.logistic, *values, *groups, seed=seed)
    table = pd.DataFrame(
        {
            "truth": np.where(verdict.labels, "synthetic", "real"),
            "nodule_id": np.concatenate([table["nodule_id"] for table in tables]),
            "score": 1 - verdict.scores.mean(axis=0),
        }
    )
    return _by_case(table, key, f"{real} and {synthetic}")


def from_csv(path: pathlib.Path, key: documents.Key) -> dict[str, float]:
    """Returns any classifier's score for each case, from columns truth, nodule_id and score.

    Raises:
        ReadingError: The file or a column cannot be read, or a case is missing.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise errors.ReadingError(f"{path}: cannot be read as CSV ({reason}).") from error
    missing = [name for name in _COLUMNS if name not in table]
    if missing:
        raise errors.ReadingError(
            f"{path}: column {missing[0]} is missing; needed are {', '.join(_COLUMNS)}."
        )
    if not np.isfinite(pd.to_numeric(table["score"], errors="coerce")).all():
        raise errors.ReadingError(f"{path}: column score holds what is not a number; mend it.")
    return _by_case(table, key, str(path))


def compare(
    table: pd.DataFrame, scores: dict[str, float], threshold: float = 0.5
) -> dict[str, Any]:
    """Returns how readers and classifier do on the cases that both have seen.

    A case's rating is the mean of its readers'. A mean in the middle of the scale counts as fake.

    Args:
        table: Unblinded readings of first occasions.
        scores: The classifier's score of each case, higher for real.
        threshold: Score above which the classifier says real.

    Raises:
        ReadingError: There are fewer than two cases of a class.
    """
    cases = table.groupby("case").agg(real=("real", "first"), rating=("rating", "mean"))
    real, rating = cases["real"].to_numpy(bool), cases["rating"].to_numpy(float)
    score = np.array([scores[case] for case in cases.index], float)
    if min(real.sum(), (~real).sum()) < 2:
        raise errors.ReadingError("a comparison needs two cases or more of each class.")
    right = (rating > 2.5) == real, (score > threshold) == real
    test = statistics.compare_aucs(real, rating, score)
    return {
        "cases": len(cases),
        "readers": _player(real, rating, right[0]),
        "classifier": _player(real, score, right[1]),
        "auc_difference": test.difference,
        "auc_p": test.p_value,
        "accuracy_p": statistics.mcnemar(*right),
    }


def _complete(table):
    return table[table[list(radiomics.FEATURES)].notna().all(axis=1)].reset_index(drop=True)


def _by_case(table, key, source):
    known = table.set_index(["truth", "nodule_id"])["score"]
    found = {}
    for case, answer in key.cases.items():
        place = (answer.truth, answer.nodule_id)
        if place not in known.index:
            raise errors.ReadingError(
                f"{source}: {answer.truth} nodule {answer.nodule_id} is missing or lacks "
                "features; give tables of the very sets that were packed."
            )
        if known.index.duplicated().any():
            raise errors.ReadingError(f"{source}: a nodule_id comes twice in a class; number anew.")
        found[case] = float(known[place])
    return found


def _player(real, score, right):
    area = statistics.auc(real, score)
    share = statistics.wilson(int(right.sum()), right.size)
    return {
        "auc": area.value,
        "auc_ci": [area.low, area.high],
        "accuracy": share.value,
        "accuracy_ci": [share.low, share.high],
    }
