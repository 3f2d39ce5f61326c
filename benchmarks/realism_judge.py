"""Judges synthetic nodules, given as arrays: what `realism.py` measures, for any painter.

`judge` compares real nodules with the same number of synthetic ones, once for each seed that they
were painted with, and with all of them together. Seeds of one place are curves over one case, so
that DeLong's intervals count a place once however often it was painted.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
import realism_reference

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import comparison, detector, distributions, frechet, radiomics, seams

WORST = 10


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
    synth_seen: np.ndarray | None = None,
    training: nodules_.NoduleSet | None = None,
    reference: realism_reference.Reference | None = None,
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
        synth_seen: bool, of the shape of `synth_hu`: what is no repeated edge; all if not given.
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
    reference = reference or realism_reference.training()
    found = judge_sets(real, drawn, reference, seed)
    if quick:
        return found
    import realism_pixels  # here, so that features load no TensorFlow

    if reference.nodules is not None:
        sizes = found["sizes"]["real"], found["sizes"]["synthetic"]
        found["real_vs_real"] |= realism_pixels.real_against_real(reference, *sizes)
    return found | realism_pixels.judge(real, drawn, synth_seen, training, seed)


def judge_sets(
    real: nodules_.NoduleSet,
    drawn: Sequence[nodules_.NoduleSet],
    reference: realism_reference.Reference,
    seed: int = 0,
    splits: int = realism_reference.SPLITS,
) -> dict:
    """Returns what the judges of features say; arguments as sets, one synthetic set a seed."""
    ours = realism_reference.table(real).dropna().reset_index(drop=True)
    theirs = _aligned([realism_reference.table(one) for one in drawn])
    standard = frechet.scale(realism_reference.values(reference.table))
    each = [realism_reference.features(ours, one, standard) for one in theirs]
    found = {
        "sizes": {"real": len(ours), "synthetic": len(theirs[0]), "seeds": len(theirs)},
        "patients": {"real": ours.patient.nunique(), "synthetic": theirs[0].patient.nunique()},
    }
    found |= {name: _range([one[name] for one in each]) for name in each[0]}
    found |= {name: _verdict(name, ours, theirs, seed) for name in comparison.JUDGES}
    equals = realism_reference.real_against_real(reference, len(ours), len(theirs[0]), splits)
    found["real_vs_real"] = equals
    ratios = [realism_reference.over(ours, one, equals, standard, seed) for one in theirs]
    found["over_real_vs_real"] = {name: _range([one[name] for one in ratios]) for name in ratios[0]}
    together = pd.concat(theirs, ignore_index=True)
    found["pooled"] = _pooled(ours, together, reference, standard, seed, splits)
    found["hu"] = {"real": intensities(real), "synthetic": intensities(*drawn)}
    found["worst"] = _worst(ours, together)
    return found | {"seam": _seams(real, drawn)}


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
        sop_uid=np.array([f"place {row}" for row in range(rows)]),  # two of one patient are two
        manufacturer=unknown,
        nodule_id=np.arange(rows, dtype=np.int32),
    )


def intensities(*sets: nodules_.NoduleSet) -> dict:
    """Returns means over nodules: HU in the mask, its deviation inside, and that between them."""
    inside = [i[m > 0] for s in sets for i, m in zip(s.image, s.mask, strict=True)]
    means = np.array([values.mean() for values in inside])
    return {
        "mean": float(means.mean()),
        "sd_between": float(means.std(ddof=1)),
        "sd_inside": float(np.mean([values.std() for values in inside])),
    }


def _verdict(name, ours, theirs, seed):
    """Returns the area over all seeds of a place, each judged by itself."""
    repeats = max(1, detector.REPEATS // len(theirs))
    each = [
        realism_reference.cross_validate(name, ours, one, repeats, seed + i)
        for i, one in enumerate(theirs)
    ]
    scores = np.concatenate([one.scores for one in each])
    joined = dataclasses.replace(each[0], scores=scores)
    return joined.summary(rounds=200, seed=seed) | {"each": [one.area for one in each]}


def _pooled(ours, together, reference, standard, seed, splits):
    """Returns the figures of all seeds as one set; its distance over that of real ones as large."""
    found = {"sizes": [len(ours), len(together)]}
    for name in comparison.JUDGES:
        verdict = realism_reference.cross_validate(name, ours, together, 1, seed)
        found[name] = verdict.summary(rounds=200, seed=seed)
    equals = realism_reference.real_against_real(reference, len(ours), len(together), splits)
    found |= realism_reference.features(ours, together, standard)
    over = realism_reference.over(ours, together, equals, standard, seed)
    return found | {"real_vs_real": equals, "over_real_vs_real": over}


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


def _names(patients, count, kind):
    if patients is None:
        return np.array([f"{kind} {row}" for row in range(count)])
    return np.asarray(patients, str)


def _ends(lines):
    return lines.argmax(axis=1), lines.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)
