"""Real nodules against real ones: what a perfect painter would score; drawn once and kept."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ggngan_tf import errors, files
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import comparison, detector, distributions, frechet, radiomics

_ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = pathlib.Path(os.environ.get("GGNGAN_DATA", _ROOT.parent / "shared"))
DATA = SHARED / "lidc" / "nodules.h5"
CACHE = _ROOT / "runs" / "realism"
SPLIT_SEED = 0  # that of `config.Data`, so that parts are those of training
SPLITS = 30  # draws of real against real; their mean is known to a fifth of their spread
_TRIES = 100  # draws of two groups before there seem to be none
_VERSION = 1  # of what is cached; raise it when the figures change


@dataclasses.dataclass(frozen=True)
class Reference:
    """Real nodules to draw real against real from, and where the draws are kept.

    Attributes:
        table: One row a nodule, the 93 features and `patient`.
        name: Of what it holds, so that a kept draw is found again.
        cache: A folder, or None.
        nodules: The same nodules, for the judges of pixels; None leaves these out.
    """

    table: pd.DataFrame
    name: str
    cache: pathlib.Path | None = CACHE
    nodules: nodules_.NoduleSet | None = None


def parts(path: pathlib.Path = DATA, rule: nodules_.Rule = "mean") -> dict:
    """Returns the ground glass nodules of training, validation and test patients, by part."""
    return {name: part.select(rule) for name, part in nodules_.read(path).split(SPLIT_SEED).items()}


def training(
    path: pathlib.Path = DATA, rule: nodules_.Rule = "mean", cache: pathlib.Path | None = CACHE
) -> Reference:
    """Returns the ground glass nodules of training and validation patients, features kept."""
    name = f"{rule}-{nodules_.fingerprint(path)[:12]}-{_VERSION}"
    kept = None if cache is None else cache / f"features-{name}.csv"
    everyone = nodules_.read(path).select(rule)
    held = everyone.split(SPLIT_SEED)
    allowed = np.concatenate([held[part].patients() for part in ("train", "validation")])
    nodules = everyone.take(np.isin(everyone.patients(), allowed))
    if kept is not None and kept.exists():
        found = pd.read_csv(kept, float_precision="round_trip")
    else:
        found = table(nodules).dropna().reset_index(drop=True)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with files.atomic_file(kept) as temporary:
                found.to_csv(temporary, index=False)
    return Reference(found, name, cache, nodules)


def real_against_real(reference: Reference, first: int, second: int, splits: int = SPLITS) -> dict:
    """Returns what the judges of features say of two groups of real nodules, no patient in both.

    One nodule a patient where there are as many patients; else whole patients are drawn, and both
    groups shrink alike where there are too few nodules.

    Returns:
        `sizes`, `one_a_patient`, `splits`, and each figure's `mean`, `sd`, `low` and `high` (the
        2.5th and 97.5th percentile of the draws).
    """
    return keep(
        reference,
        f"features-{first}-{second}-{splits}",
        lambda: _draws(reference.table, first, second, splits),
    )


def keep(reference: Reference, name: str, make: Callable[[], dict]) -> dict:
    """Returns what was kept of a reference under a name, or makes and keeps it."""
    if reference.cache is None:
        return make()
    kept = reference.cache / f"real-{reference.name}-{name}.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(kept, json.dumps(make(), indent=1))
    return json.loads(kept.read_text())


def table(nodules: nodules_.NoduleSet) -> pd.DataFrame:
    """Returns one row a nodule: the 93 features, `patient`; NaN where PyRadiomics refuses it."""
    values = radiomics.features(nodules.image, nodules.mask, nodules.pixel_spacing)
    return pd.DataFrame(values, columns=radiomics.FEATURES).assign(patient=nodules.patients())


def features(ours: pd.DataFrame, theirs: pd.DataFrame, standard: frechet.Scale) -> dict:
    """Returns `not_significant`, `mean_ks` and `frd` of two tables."""
    p_and_d = distributions.summary(distributions.compare(ours, theirs))
    clouds = [standard(values(t)) for t in (ours, theirs)]
    kept = {name: p_and_d[name] for name in ("not_significant", "mean_ks")}
    return kept | {"frd": frechet.frechet(*clouds)}


def over(ours: pd.DataFrame, theirs: pd.DataFrame, equals: dict, standard, seed: int = 0) -> dict:
    """Returns `mean_ks` and `frd` over those of real against real, at its sizes.

    Both fall as sets grow, so what is larger is thinned.
    """
    random = np.random.default_rng(seed)
    pairs = zip((ours, theirs), equals["sizes"], strict=True)
    a, b = (t.iloc[np.sort(random.permutation(len(t))[:size])] for t, size in pairs)
    found = features(a, b, standard)
    return {name: found[name] / equals[name]["mean"] for name in ("mean_ks", "frd")}


def cross_validate(
    name: str, ours: pd.DataFrame, theirs: pd.DataFrame, repeats: int, seed: int
) -> detector.Verdict:
    """Returns what a judge of features says of two tables, folds by patient."""
    cases = values(ours), values(theirs), ours.patient.to_numpy(), theirs.patient.to_numpy()
    return detector.cross_validate(comparison.JUDGES[name], *cases, repeats=repeats, seed=seed)


def values(rows: pd.DataFrame) -> np.ndarray:
    """Returns the 93 features of a table, `(rows, 93)`."""
    return rows[list(radiomics.FEATURES)].to_numpy(float)


def pair(
    patients: np.ndarray, first: int, second: int, split: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of two groups without a common patient, another draw each `split`."""
    random = np.random.default_rng([split, first, second])
    alone = first + second <= len(set(patients))
    return (comparison.draw if alone else _whole_patients)(patients, first, second, random)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Returns `mean`, `sd`, `low` and `high` (2.5th and 97.5th percentile) of draws."""
    low, high = np.percentile(values, [2.5, 97.5])
    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    named = {"mean": np.mean(values), "sd": deviation, "low": low, "high": high}
    return {name: float(value) for name, value in named.items()}


def _draws(pool, first, second, splits):
    patients = pool.patient.to_numpy(str)
    standard = frechet.scale(values(pool))
    found, sizes = [], []
    for split in range(splits):
        a, b = (pool.iloc[rows] for rows in pair(patients, first, second, split))
        one = features(a, b, standard)
        for name in comparison.JUDGES:
            one[f"auc_{name}"] = cross_validate(name, a, b, 1, split).area
        found.append(one)
        sizes.append([len(a), len(b)])
    middle = np.median(sizes, axis=0).astype(int).tolist()
    alone = first + second <= len(set(patients))
    return {"sizes": middle, "one_a_patient": alone, "splits": splits} | {
        name: spread([one[name] for one in found]) for name in found[0]
    }


def _whole_patients(patients, first, second, random):
    """Returns rows of two groups of whole patients, cut to size, or shrunk alike.

    A patient of many nodules can fill a small group; it is then drawn again, since judges cut it
    into folds by patient.
    """
    for _ in range(_TRIES):
        groups = _cut(patients, first, second, random)
        if all(len(set(patients[rows])) >= detector.FOLDS for rows in groups):
            return groups
    raise errors.RadiomicsError(
        f"{len(set(patients))} patients hold no two groups of {first} and {second} nodules with "
        f"{detector.FOLDS} patients each; give more patients or fewer seeds."
    )


def _cut(patients, first, second, random):
    share = min(1.0, len(patients) / (first + second))
    first, second = int(share * first), int(share * second)
    rows = [np.flatnonzero(patients == name) for name in random.permutation(np.unique(patients))]
    filled = np.cumsum([len(one) for one in rows])
    last = int(np.searchsorted(filled, second)) + 1
    few, many = (np.concatenate([np.arange(0), *half]) for half in (rows[:last], rows[last:]))
    return many[:first], few[:second]
