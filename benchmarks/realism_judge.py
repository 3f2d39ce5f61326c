"""Judges synthetic nodules, given as arrays: what `realism.py` measures, for any painter.

`judge` compares real nodules with the same number of synthetic ones, once for each seed that they
were painted with, and with all of them together. Seeds of one place are curves over one case, so
that DeLong's intervals count a place once however often it was painted.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ggngan_tf import files
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import comparison, detector, distributions, frechet, radiomics, seams

_ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = pathlib.Path(os.environ.get("GGNGAN_DATA", _ROOT.parent / "shared"))
DATA = SHARED / "lidc" / "nodules.h5"
CACHE = _ROOT / "runs" / "realism"
SPLIT_SEED = 0  # that of `config.Data`, so that parts are those of training
SPLITS = 30  # draws of real against real; their mean is known to a fifth of their spread
WORST = 10
_VERSION = 1  # of what is cached; raise it when the figures change


@dataclasses.dataclass(frozen=True)
class Reference:
    """Real nodules to draw real against real from, and where the draws are kept.

    Attributes:
        table: One row a nodule, the 93 features and `patient`.
        name: Of what it holds, so that a kept draw is found again.
        cache: A folder, or None.
    """

    table: pd.DataFrame
    name: str
    cache: pathlib.Path | None = CACHE


def judge(
    real_hu: np.ndarray,
    real_mask: np.ndarray,
    synth_hu: np.ndarray,
    synth_mask: np.ndarray,
    spacing: np.ndarray,
    synth_spacing: np.ndarray | None = None,
    *,
    real_patients: Sequence[str] | None = None,
    synth_patients: Sequence[str] | None = None,
    training: nodules_.NoduleSet | None = None,
    reference: Reference | None = None,
    quick: bool = True,
    seed: int = 0,
) -> dict:
    """Returns what the judges say of synthetic nodules, as plain numbers by name.

    Args:
        real_hu: `(N, row, column)`, HU.
        real_mask: The same shape, the nodules' pixels.
        synth_hu: `(seeds, M, row, column)`, or `(M, row, column)` for one seed.
        synth_mask: The same shape, or `(M, row, column)` where seeds share it: the shape that was
            asked for, without what the painter adds around it.
        spacing: mm, `(2,)` or `(N, 2)`, row and column.
        synth_spacing: Likewise `(2,)`, `(M, 2)` or `(seeds, M, 2)`; that of `spacing` if not given.
        real_patients: `(N,)`, so that folds are by patient; each row is one's own if not given.
        synth_patients: `(M,)` or `(seeds, M)`; the real ones' if not given and M is N, as it is
            where each nodule was painted anew.
        training: The nodules that were learnt from, to look for copies (not if `quick`).
        reference: Real nodules to draw real against real from; ground glass nodules of training
            and validation patients if not given.
        quick: Features only, and seams; no network, no copies.
        seed: Same seed, same folds.
    """
    real_patients = _names(real_patients, len(real_hu), "real")
    synth_hu = synth_hu if np.ndim(synth_hu) == 4 else np.asarray(synth_hu)[None]
    synth_mask = np.broadcast_to(synth_mask, synth_hu.shape)
    seeds, places = synth_hu.shape[:2]
    if synth_patients is None and places == len(real_hu):
        synth_patients = real_patients
    if synth_patients is None:
        synth_patients = _names(None, places, "synthetic")
    synth_patients = np.broadcast_to(np.asarray(synth_patients, str), (seeds, places))
    if synth_spacing is None and places != len(real_hu) and np.ndim(spacing) > 1:
        raise ValueError(f"{places} synthetic and {len(real_hu)} real nodules; give synth_spacing.")
    synth_spacing = spacing if synth_spacing is None else synth_spacing
    synth_spacing = np.broadcast_to(np.asarray(synth_spacing, float), (seeds, places, 2))
    real = as_set(real_hu, real_mask, spacing, real_patients)
    drawn = [
        as_set(*one)
        for one in zip(synth_hu, synth_mask, synth_spacing, synth_patients, strict=True)
    ]
    found = judge_sets(real, drawn, reference or training_reference(), seed)
    if quick:
        return found
    import realism_pixels  # here, so that features load no TensorFlow

    return found | realism_pixels.judge(real, drawn, training, seed)


def judge_sets(
    real: nodules_.NoduleSet,
    drawn: Sequence[nodules_.NoduleSet],
    reference: Reference,
    seed: int = 0,
    splits: int = SPLITS,
) -> dict:
    """Returns what the judges of features say; arguments as sets, one synthetic set a seed."""
    ours = table(real).dropna().reset_index(drop=True)
    theirs = _aligned([table(one) for one in drawn])
    standard = frechet.scale(_values(reference.table))
    each = [_features(ours, one, standard) for one in theirs]
    found = {
        "sizes": {"real": len(ours), "synthetic": len(theirs[0]), "seeds": len(theirs)},
        "patients": {"real": ours.patient.nunique(), "synthetic": theirs[0].patient.nunique()},
    }
    found |= {name: _range([one[name] for one in each]) for name in each[0]}
    found |= {name: _verdict(name, ours, theirs, seed) for name in comparison.JUDGES}
    equals = real_against_real(reference, len(ours), len(theirs[0]), splits)
    found["real_vs_real"] = equals
    found["over_real_vs_real"] = {
        name: _range([one[name] / equals[name]["mean"] for one in each])
        for name in ("mean_ks", "frd")
    }
    together = pd.concat(theirs, ignore_index=True)
    found["pooled"] = _pooled(ours, together, reference, standard, seed, splits)
    found["hu"] = {"real": intensities(real), "synthetic": intensities(*drawn)}
    found["worst"] = _worst(ours, together)
    return found | {"seam": _seams(real, drawn)}


def table(nodules: nodules_.NoduleSet) -> pd.DataFrame:
    """Returns one row a nodule: the 93 features, `patient`; NaN where PyRadiomics refuses it."""
    values = radiomics.features(nodules.image, nodules.mask, nodules.pixel_spacing)
    return pd.DataFrame(values, columns=radiomics.FEATURES).assign(patient=nodules.patients())


def as_set(hu, mask, spacing, patients) -> nodules_.NoduleSet:
    """Returns arrays as a set of nodules of unknown provenance; arguments as `judge` takes them."""
    hu, mask = np.rint(hu).astype(np.int16), (np.asarray(mask) > 0).astype(np.uint8)
    rows, unknown = len(hu), np.full(len(hu), "")
    ends = [_ends(mask.any(axis=2)), _ends(mask.any(axis=1))]
    centre = np.stack([(low + high + 1) // 2 for low, high in ends], axis=1)
    ratings = np.zeros((rows, 1), np.int8)
    return nodules_.NoduleSet(
        image=hu,
        mask=mask,
        roi_centre=centre.astype(np.int32),
        pixel_spacing=np.broadcast_to(np.asarray(spacing, np.float32), (rows, 2)),
        texture=ratings,
        malignancy=ratings,
        subtlety=ratings,
        patient_id=np.asarray(patients, str),
        series_uid=unknown,
        sop_uid=unknown,
        manufacturer=unknown,
        nodule_id=np.arange(rows, dtype=np.int32),
    )


def parts(path: pathlib.Path = DATA, rule: nodules_.Rule = "mean") -> dict:
    """Returns the ground glass nodules of training, validation and test patients, by part."""
    return {name: part.select(rule) for name, part in nodules_.read(path).split(SPLIT_SEED).items()}


def training_reference(
    path: pathlib.Path = DATA, rule: nodules_.Rule = "mean", cache: pathlib.Path | None = CACHE
) -> Reference:
    """Returns the ground glass nodules of training and validation patients, features kept."""
    name = f"{rule}-{nodules_.fingerprint(path)[:12]}-{_VERSION}"
    kept = None if cache is None else cache / f"features-{name}.csv"
    if kept is not None and kept.exists():
        return Reference(pd.read_csv(kept, float_precision="round_trip"), name, cache)
    held = parts(path, rule)
    found = pd.concat([table(held["train"]), table(held["validation"])], ignore_index=True)
    found = found.dropna().reset_index(drop=True)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic_file(kept) as temporary:
            found.to_csv(temporary, index=False)
    return Reference(found, name, cache)


def real_against_real(reference: Reference, first: int, second: int, splits: int = SPLITS) -> dict:
    """Returns what the judges of features say of two groups of real nodules, no patient in both.

    One nodule a patient where there are as many patients; else whole patients are drawn, and the
    second group takes what is left if that is fewer than asked for.

    Returns:
        `sizes`, `one_a_patient`, `splits`, and each figure's `mean`, `sd`, `low` and `high` (the
        2.5th and 97.5th percentile of the draws).
    """
    key = f"{reference.name}-{first}-{second}-{splits}"
    kept = None
    if reference.cache is not None:
        digest = hashlib.sha256(key.encode()).hexdigest()[:12]
        kept = reference.cache / f"real-against-real-{first}-{second}-{digest}.json"
        if kept.exists():
            return json.loads(kept.read_text())
    found = _draws(reference.table, first, second, splits)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(kept, json.dumps(found, indent=1))
    return found


def intensities(*sets: nodules_.NoduleSet) -> dict:
    """Returns means over nodules: HU in the mask, its deviation inside, and that between them."""
    inside = [i[m > 0] for s in sets for i, m in zip(s.image, s.mask, strict=True)]
    means = np.array([values.mean() for values in inside])
    return {
        "mean": float(means.mean()),
        "sd_between": float(means.std(ddof=1)),
        "sd_inside": float(np.mean([values.std() for values in inside])),
    }


def _draws(pool, first, second, splits):
    patients = pool.patient.to_numpy(str)
    alone = first + second <= len(set(patients))
    standard = frechet.scale(_values(pool))
    found, sizes = [], []
    for split in range(splits):
        random = np.random.default_rng([split, first, second])
        draw = comparison.draw if alone else _whole_patients
        a, b = (pool.iloc[rows] for rows in draw(patients, first, second, random))
        one = _features(a, b, standard)
        for name in comparison.JUDGES:
            one[f"auc_{name}"] = _cross_validate(name, a, b, 1, split).area
        found.append(one)
        sizes.append([len(a), len(b)])
    spread = {name: _spread([one[name] for one in found]) for name in found[0]}
    middle = np.median(sizes, axis=0).astype(int).tolist()
    return {"sizes": middle, "one_a_patient": bool(alone), "splits": splits} | spread


def _whole_patients(patients, first, second, random):
    """Returns rows of two groups of whole patients, cut to size; the second may be smaller."""
    names = random.permutation(np.unique(patients))
    rows = [np.flatnonzero(patients == name) for name in names]
    filled = np.cumsum([len(r) for r in rows])
    last = int(np.searchsorted(filled, first)) + 1
    return np.concatenate(rows[:last])[:first], np.concatenate(rows[last:])[:second]


def _features(ours, theirs, standard):
    p_and_d = distributions.summary(distributions.compare(ours, theirs))
    clouds = [standard(_values(t)) for t in (ours, theirs)]
    kept = {name: p_and_d[name] for name in ("not_significant", "mean_ks")}
    return kept | {"frd": frechet.frechet(*clouds)}


def _verdict(name, ours, theirs, seed):
    """Returns the area over all seeds of a place, each judged by itself."""
    repeats = max(1, detector.REPEATS // len(theirs))
    each = [_cross_validate(name, ours, one, repeats, seed + i) for i, one in enumerate(theirs)]
    scores = np.concatenate([one.scores for one in each])
    joined = dataclasses.replace(each[0], scores=scores)
    return joined.summary(rounds=200, seed=seed) | {"each": [one.area for one in each]}


def _cross_validate(name, ours, theirs, repeats, seed):
    cases = _values(ours), _values(theirs), ours.patient.to_numpy(), theirs.patient.to_numpy()
    return detector.cross_validate(comparison.JUDGES[name], *cases, repeats=repeats, seed=seed)


def _pooled(ours, together, reference, standard, seed, splits):
    """Returns the figures of all seeds as one set; its distance over that of real ones as large."""
    found = {"sizes": [len(ours), len(together)]}
    for name in comparison.JUDGES:
        verdict = _cross_validate(name, ours, together, 1, seed)
        found[name] = verdict.summary(rounds=200, seed=seed)
    equals = real_against_real(reference, len(ours), len(together), splits)
    rows = np.random.default_rng(seed).permutation(len(together))[: equals["sizes"][1]]
    thinned = _features(ours, together.iloc[rows], standard)
    found["real_vs_real"] = equals
    found |= {name: thinned[name] for name in thinned}
    found["over_real_vs_real"] = {
        name: thinned[name] / equals[name]["mean"] for name in ("mean_ks", "frd")
    }
    return found


def _seams(real, drawn):
    ours, theirs = seams.excess(real), [seams.excess(one) for one in drawn]
    together = {name: np.concatenate([one[name] for one in theirs]) for name in ours}
    each = [seams.compare(ours, one)["auc"] for one in theirs]
    return seams.compare(ours, together) | {"each": each}


def _aligned(tables):
    """Leaves out places of which a seed has no features, so that seeds are of the same places."""
    known = np.all([t[list(radiomics.FEATURES)].notna().all(axis=1) for t in tables], axis=0)
    return [t[known].reset_index(drop=True) for t in tables]


def _worst(ours, theirs):
    rows = distributions.compare(ours, theirs).sort_values("ks", ascending=False)
    kept = ["feature", "ks", "p_value", "cliffs_delta", "real_median", "synthetic_median"]
    return rows[kept].head(WORST).to_dict("records")


def _range(values):
    return {
        "mean": float(np.mean(values)),
        "low": float(min(values)),
        "high": float(max(values)),
        "each": [float(value) for value in values],
    }


def _spread(values):
    low, high = np.percentile(values, [2.5, 97.5])
    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    named = {"mean": np.mean(values), "sd": deviation, "low": low, "high": high}
    return {name: float(value) for name, value in named.items()}


def _values(rows):
    return rows[list(radiomics.FEATURES)].to_numpy(float)


def _names(patients, count, kind):
    if patients is None:
        return np.array([f"{kind} {row}" for row in range(count)])
    return np.asarray(patients, str)


def _ends(lines):
    return lines.argmax(axis=1), lines.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)


def text(found: dict) -> str:
    """Returns the figures that one steers by, a screen of them."""
    sizes, equals, ratio = (found[k] for k in ("sizes", "real_vs_real", "over_real_vs_real"))
    lines = [
        f"{sizes['real']} real against {sizes['synthetic']} synthetic, {sizes['seeds']} seeds; "
        f"real against real: {equals['sizes'][0]} against {equals['sizes'][1]}",
        f"{'':24}{'synthetic':>10}  {'':22}{'real-real':>10}",
    ]

    def line(name, value, interval, equal, form=".2f"):
        low, high = interval
        span = f"({low:{form}} to {high:{form}})"
        lines.append(
            f"{name:24}{value:10{form}}  {span:22}{equal['mean']:10{form}} "
            f"({equal['low']:{form}} to {equal['high']:{form}})"
        )

    one = found["not_significant"]
    line(
        "features p >= 0.05",
        one["mean"],
        (one["low"], one["high"]),
        equals["not_significant"],
        ".0f",
    )
    for name in ("logistic", "boosting"):
        line(f"{name} AUC", found[name]["auc"], found[name]["auc_ci"], equals[f"auc_{name}"])
    for name in ("mean_ks", "frd"):
        one = found[name]
        line(name, one["mean"], (one["low"], one["high"]), equals[name])
    pooled = found["pooled"]
    lines += [
        f"over real-real: mean KS {ratio['mean_ks']['mean']:.2f}, Frechet {ratio['frd']['mean']:.2f}",
        f"all seeds as one, {pooled['sizes'][0]} against {pooled['sizes'][1]}: "
        + ", ".join(f"{n} {pooled[n]['auc']:.2f}" for n in ("logistic", "boosting"))
        + f", mean KS {pooled['over_real_vs_real']['mean_ks']:.2f}"
        + f", Frechet {pooled['over_real_vs_real']['frd']:.2f} of real-real",
        f"seam AUC {found['seam']['auc']:.2f} ({found['seam']['worst']}; each seed "
        + ", ".join(f"{area:.2f}" for area in found["seam"]["each"])
        + ")",
    ]
    if "cnn" in found:
        low, high = found["cnn"]["auc_ci"]
        lines.append(f"network AUC {found['cnn']['auc']:.2f} ({low:.2f} to {high:.2f})")
    lines += [
        f"HU, {kind}: mean {one['mean']:.0f}, sd inside {one['sd_inside']:.0f}, "
        f"sd between nodules {one['sd_between']:.0f}"
        for kind, one in found["hu"].items()
    ]
    lines.append(f"{'worst features':44}{'KS':>6}{'real':>12}{'synthetic':>12}")
    lines += [
        f"{row['feature']:44}{row['ks']:6.2f}{row['real_median']:12.4g}"
        f"{row['synthetic_median']:12.4g}"
        for row in found["worst"]
    ]
    return "\n".join(lines)
