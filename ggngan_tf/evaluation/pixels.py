"""Are they alike? The judges that need pixels: a network, seams, pairs, copies and repeats."""

import numpy as np

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import cnn, comparison, detector, patches, seams, similarity, statistics

CLOSEST = 8  # pairs of a synthetic and its nearest training nodule to show


def compare(
    real: nodules_.NoduleSet,
    synthetic: nodules_.NoduleSet,
    training: nodules_.NoduleSet | None = None,
    *,
    repeats: int = 1,
    splits: int = comparison.SPLITS,
    seed: int = 0,
) -> dict:
    """Returns what the judges of pixels say of synthetic nodules, and of real against real.

    Args:
        real: Real nodules, whose slices are 64 x 64 or more.
        synthetic: Synthetic ones.
        training: The real nodules that the generator learnt from; needed to look for copies, and
            a further reference for real against real.
        repeats: Of the network's cross-validation, some 15 s each at 50 against 50.
        splits: Draws of real against real for the seams; the network gets one.
        seed: Same seed, same result.

    Returns:
        `cnn` (as `detector.Verdict.summary`), `seam` (as `seams.compare`), `ssim` of nodules with
        their originals, `memorisation` if there is a training set, `diversity`, and
        `real_vs_real` with the areas of `cnn` and `seam`.

    Raises:
        RadiomicsError: There are too few patients for the folds.
    """
    border, painted = seams.excess(real), seams.excess(synthetic)
    found = {
        "cnn": _network(real, synthetic, repeats, seed),
        "seam": seams.compare(border, painted),
        "ssim": _originals(real, synthetic),
        "diversity": similarity.repeats(synthetic),
        "real_vs_real": _equals(real, training, len(synthetic), splits, seed),
    }
    if training is not None:
        found["memorisation"] = memorisation(real, synthetic, training)
    return found


def memorisation(
    real: nodules_.NoduleSet, synthetic: nodules_.NoduleSet, training: nodules_.NoduleSet
) -> dict:
    """Returns how many synthetic nodules are copies of training nodules, and the closest pairs.

    Returns:
        `copies`; `limit`, half the least distance of a real nodule to a training nodule of
        another patient, below which one counts; medians of both distances; `closer_auc`, the
        chance that a synthetic nodule is nearer to the training set than a real one is (0.5 for
        none); `closest`, rows `synthetic`, `training` and their `distance`.
    """
    theirs = similarity.nearest(synthetic, training)
    ours = similarity.nearest(real, training, apart=True)
    order = np.argsort(theirs.distance)[:CLOSEST]
    return {
        "copies": int(similarity.copies(theirs, ours).sum()),
        "limit": float(0.5 * ours.distance.min()),
        "synthetic_median": float(np.median(theirs.distance)),
        "real_median": float(np.median(ours.distance)),
        "closer_auc": 0.5 + statistics.cliffs_delta(ours.distance, theirs.distance) / 2,
        "closest": [
            {
                "synthetic": int(row),
                "training": int(theirs.index[row]),
                "distance": float(theirs.distance[row]),
            }
            for row in order
        ],
    }


def _network(real, synthetic, repeats, seed):
    verdict = _judged(cnn.windows(real), cnn.windows(synthetic), real, synthetic, repeats, seed)
    false, true = verdict.roc()
    return verdict.summary(seed=seed) | {"roc": [false.round(4).tolist(), true.round(4).tolist()]}


def _judged(ours, theirs, real, synthetic, repeats, seed):
    return detector.cross_validate(
        cnn.judge, ours, theirs, real.patients(), synthetic.patients(), repeats=repeats, seed=seed
    )


def _originals(real, synthetic):
    ours, theirs = similarity.pairs(real, synthetic)
    if not len(ours):
        return {"pairs": 0}
    a = patches.cut(real.take(ours), patches.ROI)[0]
    b = patches.cut(synthetic.take(theirs), patches.ROI)[0]
    values = similarity.ssim(a, b)
    return {"pairs": len(values), "mean": float(values.mean()), "sd": float(values.std())}


def _equals(real, training, count, splits, seed):
    patients = [real.patients()] + ([] if training is None else [training.patients()])
    names = np.concatenate(patients)
    sizes = comparison.affordable(len(set(names)), len(real), count)
    windows, border = cnn.windows(real), seams.excess(real)
    if training is not None:
        windows = np.concatenate([windows, cnn.windows(training)])
        further = seams.excess(training)
        border = {name: np.concatenate([border[name], further[name]]) for name in border}
    random = np.random.default_rng(seed)
    draws = [comparison.draw(names, *sizes, random) for _ in range(splits)]
    areas = [_seam_area(border, a, b) for a, b in draws]
    a, b = draws[0]
    verdict = detector.cross_validate(
        cnn.judge, windows[a], windows[b], names[a], names[b], repeats=1
    )
    return {
        "sizes": sizes,
        "cnn": verdict.area,
        "seam": {"mean": float(np.mean(areas)), "high": float(np.max(areas))},
    }


def _seam_area(border, a, b):
    ours, theirs = ({name: v[rows] for name, v in border.items()} for rows in (a, b))
    return seams.compare(ours, theirs)["auc"]
