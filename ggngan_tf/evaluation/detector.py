"""Judges that learn to tell synthetic nodules from real ones, cross-validated by patient.

An area under the ROC curve of 0.5 means that the judge could not tell; 1 that it always could.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import sklearn.ensemble
import sklearn.linear_model
import sklearn.metrics
import sklearn.model_selection
import sklearn.pipeline
import sklearn.preprocessing

from ggngan_tf import errors
from ggngan_tf.evaluation import statistics

FOLDS = 4  # Methods: "with a fourfold cross-validation"
REPEATS = 5  # ours: other folds move the area by some 0.03 at 50 against 50

# Takes training cases and labels and the cases to judge; gives a probability of synthetic each.
Judge = Callable[[np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a judge said of each case while it was not trained on the case's patient.

    Attributes:
        labels: bool `(cases,)`, True for synthetic.
        scores: float64 `(repeats, cases)`, probability of synthetic.
        groups: `(cases,)`, patients.
    """

    labels: np.ndarray
    scores: np.ndarray
    groups: np.ndarray

    @property
    def area(self) -> float:
        """The area under the ROC curve, the mean over repeats."""
        return float(statistics.delong(self.labels, self.scores)[0].mean())

    def summary(self, rounds: int = 500, seed: int = 0) -> dict:
        """Returns the area with two intervals, the accuracy and the spread over repeats.

        Args:
            rounds: Draws of the bootstrap over patients.
            seed: Of the bootstrap.
        """
        areas = statistics.delong(self.labels, self.scores)[0]
        estimate = statistics.mean_auc(self.labels, self.scores)
        drawn = statistics.bootstrap(
            self._area_of, self.groups, strata=self.labels, rounds=rounds, seed=seed
        )
        right = (self.scores > 0.5) == self.labels
        accuracy = statistics.wilson(round(right.mean(axis=0).sum()), len(self.labels))
        return {
            "auc": estimate.value,
            "auc_ci": [estimate.low, estimate.high],
            "auc_ci_bootstrap": [drawn.low, drawn.high],
            "auc_sd_over_repeats": float(areas.std(ddof=1)) if len(areas) > 1 else 0.0,
            "accuracy": float(right.mean()),
            "accuracy_ci": [accuracy.low, accuracy.high],
            "repeats": len(areas),
        }

    def roc(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns false and true positive rates, `(points,)` each, averaged over repeats."""
        grid = np.linspace(0, 1, 101)
        curves = [sklearn.metrics.roc_curve(self.labels, s)[:2] for s in self.scores]
        rates = np.mean([np.interp(grid, false, true) for false, true in curves], axis=0)
        return np.concatenate([[0], grid]), np.concatenate([[0], rates])

    def _area_of(self, rows):
        return statistics.delong(self.labels[rows], self.scores[:, rows])[0].mean()


def cross_validate(
    judge: Judge,
    real: np.ndarray,
    synthetic: np.ndarray,
    real_groups: np.ndarray,
    synthetic_groups: np.ndarray,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
) -> Verdict:
    """Returns what `judge` says of each case, trained on the patients of the other folds.

    Args:
        judge: `logistic`, `boosting` or another.
        real: `(real cases, ...)`, whatever the judge takes.
        synthetic: `(synthetic cases, ...)`.
        real_groups: `(real cases,)`, patients.
        synthetic_groups: `(synthetic cases,)`; a nodule that was painted anew and its original
            are of one patient and stay in one fold.
        repeats: Other folds each time.
        seed: Same seed, same folds.

    Raises:
        RadiomicsError: There are fewer patients than folds.
    """
    cases = np.concatenate([real, synthetic])
    labels = np.arange(len(cases)) >= len(real)
    groups = np.concatenate([real_groups, synthetic_groups]).astype(str)
    _check(labels, groups)
    scores = [_out_of_fold(judge, cases, labels, groups, seed + 1000 * i) for i in range(repeats)]
    return Verdict(labels, np.array(scores), groups)


def logistic(cases: np.ndarray, labels: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
    """The paper's "radiomics physician": logistic regression, features scaled inside the fold."""
    model = sklearn.pipeline.make_pipeline(
        sklearn.preprocessing.StandardScaler(),
        sklearn.linear_model.LogisticRegression(solver="newton-cholesky", random_state=seed),
    )
    return model.fit(cases, labels).predict_proba(others)[:, 1]


def boosting(cases: np.ndarray, labels: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
    """Gradient-boosted trees, which find what no weighted sum of features shows."""
    model = sklearn.ensemble.GradientBoostingClassifier(
        n_estimators=80, learning_rate=0.1, subsample=0.8, max_features="sqrt", random_state=seed
    )
    return model.fit(cases, labels).predict_proba(others)[:, 1]


def _out_of_fold(judge, cases, labels, groups, seed):
    folds = sklearn.model_selection.StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    scores = np.full(len(labels), np.nan)
    for train, test in folds.split(cases, labels, groups):
        scores[test] = judge(cases[train], labels[train], cases[test], seed)
    return scores


def _check(labels, groups):
    patients = min(len(set(groups[labels])), len(set(groups[~labels])))
    if patients < FOLDS:
        raise errors.RadiomicsError(
            f"{patients} patients in one of the two sets, needed are {FOLDS} or more for "
            f"{FOLDS} folds; give sets of more patients, or fill in patient_id."
        )
