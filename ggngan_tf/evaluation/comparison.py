"""Are they alike? Every judge of features on real and synthetic nodules, and on real and real.

Real against real, at the same sizes and with no patient in both, is the ceiling: what a perfect
generator would score. Nothing here needs pixels or TensorFlow; `pixels` has the other judges.
"""

import dataclasses

import numpy as np
import pandas as pd
from scipy.spatial import distance

from ggngan_tf import errors
from ggngan_tf.evaluation import detector, distributions, frechet, radiomics

SPLITS = 20  # ours: real-against-real draws; their mean is known to a fifth of their spread
JUDGES = {"logistic": detector.logistic, "boosting": detector.boosting}
PAPER = {
    "not_significant": 58,  # Results; its Table 1 itself has 59
    "auc": 0.66,
    "accuracy": 0.62,
    "readers_auc": 0.68,
}
FEWEST = 8  # rows of each set below which no judge can be cross-validated


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What the judges said.

    Attributes:
        results: Plain numbers, lists and texts, ready for JSON.
        table: One row a feature (`distributions.compare`).
    """

    results: dict
    table: pd.DataFrame


def compare(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    reference: pd.DataFrame | None = None,
    *,
    repeats: int = detector.REPEATS,
    splits: int = SPLITS,
    seed: int = 0,
) -> Comparison:
    """Returns what all judges of features say of synthetic nodules, and of real against real.

    Args:
        real: Features of real nodules, as `radiomics.extract` or `radiomics.read` gives them.
        synthetic: Likewise of synthetic ones.
        reference: Of further real nodules, if there are any (training patients); only used to
            draw real against real, which otherwise has to make do with halves of `real`.
        repeats: Of each cross-validation.
        splits: Draws of real against real.
        seed: Same seed, same result.

    Raises:
        RadiomicsError: Too few nodules or patients have all features.
    """
    ours, theirs = (_complete(t, n) for t, n in ((real, "real"), (synthetic, "synthetic")))
    everyone = pool(real, reference)
    standard = frechet.scale(_values(everyone))
    table = distributions.compare(real, synthetic)
    results = distributions.summary(table) | _clouds(ours, theirs, standard)
    judges = {name: _verdict(name, ours, theirs, repeats, seed) for name in JUDGES}
    results |= {key: judges["logistic"][key] for key in ("auc", "auc_ci", "accuracy")}
    results["judges"] = judges
    results["sizes"] = _sizes(real, synthetic, ours, theirs)
    results["real_vs_real"] = real_against_real(
        everyone, len(ours), len(theirs), standard, splits=splits, seed=seed
    )
    results["over_real_vs_real"] = _ratios(ours, theirs, standard, results["real_vs_real"], seed)
    results["paper"] = PAPER
    return Comparison(results, table)


def pool(real: pd.DataFrame, reference: pd.DataFrame | None) -> pd.DataFrame:
    """Returns all real nodules with all features, and a column `patient`.

    Of `reference` only patients are taken that `real` has not.

    Raises:
        RadiomicsError: Too few nodules have all features.
    """
    ours = _complete(real, "real")
    if reference is None:
        return ours
    others = _complete(reference, "reference")
    return pd.concat([ours, others[~others.patient.isin(ours.patient)]], ignore_index=True)


def real_against_real(
    everyone: pd.DataFrame,
    first: int,
    second: int,
    standard: frechet.Scale,
    *,
    splits: int = SPLITS,
    seed: int = 0,
) -> dict:
    """Returns what the judges say of two groups of real nodules that share no patient.

    Args:
        everyone: What `pool` returned.
        first: Nodules in one group; both groups shrink alike if the pool is too small.
        second: Nodules in the other.
        standard: The scale that the comparison with synthetic nodules uses.
        splits: Draws.
        seed: Of the draws.

    Raises:
        RadiomicsError: There are too few patients.

    Returns:
        `sizes`, `same_sizes`, `splits`, and for each figure its `mean`, `sd`, `low` and `high`
        (the extremes) over the draws.
    """
    random = np.random.default_rng(seed)
    sizes = affordable(everyone.patient.nunique(), first, second)
    found = []
    for split in range(splits):
        a, b = draw(everyone.patient.to_numpy(), *sizes, random)
        found.append(_one_split(everyone.iloc[a], everyone.iloc[b], standard, seed + split))
    spread = {key: _spread([one[key] for one in found]) for key in found[0]}
    return {"sizes": sizes, "same_sizes": sizes == [first, second], "splits": splits} | spread


def draw(
    patients: np.ndarray, first: int, second: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows of two groups, int `(first,)` and `(second,)`, each row of another patient.

    One nodule a patient, because a Kolmogorov-Smirnov test takes its cases as independent: with
    several of one patient, 80% of the features of real nodules pass it in place of 98%.

    Args:
        patients: `(rows,)`, `first + second` different ones or more.
        first: Rows of the first group.
        second: Rows of the second.
        random: What to draw from.
    """
    shuffled = random.permutation(len(patients))
    one_each = shuffled[np.unique(patients[shuffled], return_index=True)[1]]
    random.shuffle(one_each)
    return one_each[:first], one_each[first : first + second]


def affordable(patients: int, first: int, second: int) -> list[int]:
    """Returns the sizes of two groups, one nodule a patient: as asked, or shrunk alike.

    Raises:
        RadiomicsError: There are too few patients.
    """
    share = min(1.0, patients / (first + second))
    sizes = [int(share * first), int(share * second)]
    if min(sizes) < FEWEST:
        raise errors.RadiomicsError(
            f"real nodules of {patients} patients, needed are {2 * FEWEST} or more "
            "to hold real against real; give training nodules as a further reference."
        )
    return sizes


def _one_split(a, b, standard, seed):
    table = distributions.compare(a, b)
    found = distributions.summary(table) | _clouds(a, b, standard)
    found.pop("features")
    for name in JUDGES:
        found[f"auc_{name}"] = _judge(name, a, b, 1, seed).area
    return found


def _verdict(name, ours, theirs, repeats, seed):
    verdict = _judge(name, ours, theirs, repeats, seed)
    false, true = verdict.roc()
    return verdict.summary(seed=seed) | {"roc": [false.round(4).tolist(), true.round(4).tolist()]}


def _judge(name, ours, theirs, repeats, seed):
    return detector.cross_validate(
        JUDGES[name],
        _values(ours),
        _values(theirs),
        ours.patient.to_numpy(),
        theirs.patient.to_numpy(),
        repeats=repeats,
        seed=seed,
    )


def _clouds(ours, theirs, standard):
    a, b = standard(_values(ours)), standard(_values(theirs))
    return {
        "frd": frechet.frechet(a, b),
        "kernel_distance": frechet.kernel_distance(a, b),
        # Below 1: the synthetic nodules are more alike than real ones are.
        "spread": float(distance.pdist(b).mean() / distance.pdist(a).mean()),
    } | frechet.coverage(a, b)


def _complete(table, name):
    known = table[list(radiomics.FEATURES)].notna().all(axis=1)
    whole = table[known].copy()
    if len(whole) < FEWEST:
        raise errors.RadiomicsError(
            f"{len(whole)} of {len(table)} {name} nodules have all 93 features, needed are "
            f"{FEWEST} or more; see the column reason, or give more nodules."
        )
    whole["patient"] = patients(whole)
    return whole.reset_index(drop=True)


def patients(table: pd.DataFrame) -> np.ndarray:
    """Returns each row's patient, else its series, else a name of its own, str `(rows,)`."""
    names = np.array([f"row {i}" for i in range(len(table))], dtype=object)
    for column in ("series_uid", "patient_id"):
        if column in table:
            known = table[column].fillna("").astype(str).to_numpy()
            names = np.where(known != "", known, names)
    return names.astype(str)


def _sizes(real, synthetic, ours, theirs):
    return {
        "real": len(ours),
        "real_patients": int(ours.patient.nunique()),
        "synthetic": len(theirs),
        "synthetic_patients": int(theirs.patient.nunique()),
        "left_out_real": len(real) - len(ours),
        "left_out_synthetic": len(synthetic) - len(theirs),
    }


def _ratios(ours, theirs, standard, equals, seed):
    # Both figures fall as sets grow, so the sets are thinned to the sizes of real against real.
    first, second = equals["sizes"]
    random = np.random.default_rng(seed)
    found = []
    for _ in range(1 if equals["same_sizes"] else equals["splits"]):
        a = _values(ours)[random.permutation(len(ours))[:first]]
        b = _values(theirs)[random.permutation(len(theirs))[:second]]
        distances = distributions.ks_distances(a, b).mean()
        found.append((distances, frechet.frechet(standard(a), standard(b))))
    means = zip(("mean_ks", "frd"), np.mean(found, axis=0), strict=True)
    return {key: float(mean / equals[key]["mean"]) for key, mean in means}


def _spread(values):
    values = np.array(values, float)
    deviation = values.std(ddof=1) if len(values) > 1 else 0.0
    figures = (values.mean(), deviation, values.min(), values.max())
    return {k: float(v) for k, v in zip(("mean", "sd", "low", "high"), figures, strict=True)}


def _values(table):
    return table[list(radiomics.FEATURES)].to_numpy(float)
