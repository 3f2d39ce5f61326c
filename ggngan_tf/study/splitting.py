"""Which patients are for what: an independent test set, validation, nested training subsets.

Patients are ranked by a hash of their name and a seed, those with a GGN apart from those without:
each part gets its share of both, and a subset is the beginning of a longer one.
"""

import dataclasses
import hashlib
import math

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.study import settings as settings_

FEWEST = 2  # patients with a GGN (and without) that every part needs


@dataclasses.dataclass(frozen=True)
class Parts:
    """Names of patients, sorted; no patient is in two of them."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def split(nodules: nodules_.NoduleSet, study: settings_.Study) -> Parts:
    """Returns the three parts of a set's patients.

    Raises:
        NoduleSetError: A nodule names no patient, none is ground glass, or a part would be left
            with fewer than 2 patients of a kind.
    """
    strata = _strata(nodules, study)
    shares = (study.split.test, study.split.validation)
    test, validation, train = [], [], []
    for kind, names in strata.items():
        ranked = _ranked(names, f"split:{study.split.seed}")
        first, second = (round(share * len(ranked)) for share in shares)
        pieces = ranked[:first], ranked[first : first + second], ranked[first + second :]
        if min(len(piece) for piece in pieces) < FEWEST:
            raise errors.NoduleSetError(
                f"{len(ranked)} patients {kind} a ground glass nodule give parts of "
                f"{', '.join(str(len(piece)) for piece in pieces)} patients (test, validation, "
                f"training), needed are {FEWEST} in each; take a larger set, a wider rule or "
                "other shares (split.test, split.validation)."
            )
        for part, piece in zip((test, validation, train), pieces, strict=True):
            part.extend(piece)
    return Parts(*(tuple(sorted(part)) for part in (train, validation, test)))


def subset(
    nodules: nodules_.NoduleSet, study: settings_.Study, percentage: float, seed: int
) -> tuple[str, ...]:
    """Returns the training patients of one subset, sorted.

    Of one seed, the subset of a smaller percentage lies within that of a larger one. Another seed
    ranks the patients anew, so that a result does not hang on who came first.
    """
    train = set(split(nodules, study).train)
    chosen = []
    for names in _strata(nodules, study).values():
        ranked = _ranked([name for name in names if name in train], f"subset:{seed}")
        chosen += ranked[: math.ceil(percentage / 100 * len(ranked) - 1e-9)]
    return tuple(sorted(chosen))


def rows(nodules: nodules_.NoduleSet, patients: tuple[str, ...]) -> np.ndarray:
    """Returns the rows of these patients, int `(rows,)`, as they come in the set."""
    return np.flatnonzero(np.isin(nodules.patients(), patients))


def _strata(nodules, study):
    names = nodules.patients()
    with_one = set(names[nodules_.ground_glass(nodules.texture, study.rule)])
    return {
        "with": [name for name in np.unique(names) if name in with_one],
        "without": [name for name in np.unique(names) if name not in with_one],
    }


def _ranked(names, salt):
    digest = lambda name: hashlib.sha256(f"{salt}:{name}".encode()).digest()  # noqa: E731
    return [str(name) for name in sorted(names, key=digest)]
