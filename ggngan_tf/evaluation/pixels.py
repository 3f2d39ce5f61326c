"""Are they alike? The judges that need pixels: a network, seams, pairs, copies and repeats."""

from collections.abc import Sequence

import numpy as np

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import cnn, comparison, detector, patches, seams, similarity, statistics

CLOSEST = 8  # pairs of a synthetic and its nearest training nodule to show


def compare(
    real: nodules_.NoduleSet,
    synthetic: nodules_.NoduleSet,
    training: nodules_.NoduleSet | None = None,
    *,
    seeds: Sequence[nodules_.NoduleSet] = (),
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
        seeds: The places of `synthetic`, painted with other seeds: do the nodules differ?
        repeats: Of the network's cross-validation, some 15 s each at 50 against 50; 0 for none.
        splits: Draws of real against real for the seams; the network gets one.
        seed: Same seed, same result.

    Returns:
        `cnn` (as `detector.Verdict.summary`), `seam` (as `seams.compare`), `ssim` of nodules with
        their originals, `memorisation` if there is a training set, `diversity`, and
        `real_vs_real` with `auc_cnn` and `auc_seam`.

    Raises:
        RadiomicsError: There are too few patients for the folds.
    """
    border, painted = seams.excess(real), seams.excess(synthetic)
    found = {
        "seam": seams.compare(border, painted),
        "ssim": _originals(real, synthetic),
        "diversity": similarity.repeats(synthetic, *seeds),
        "real_vs_real": _equals(real, training, len(synthetic), splits, seed),
    }
    if repeats:
        found["cnn"] = _network(real, synthetic, repeats, seed)
        found["real_vs_real"]["auc_cnn"] = _equal_network(real, training, len(synthetic), seed)
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
    sets = [real] if training is None else [real, training]
    names = np.concatenate([s.patients() for s in sets])
    borders = [seams.excess(s) for s in sets]
    border = {name: np.concatenate([b[name] for b in borders]) for name in borders[0]}
    sizes = comparison.affordable(len(set(names)), len(real), count)
    random = np.random.default_rng(seed)
    draws = [comparison.draw(names, *sizes, random) for _ in range(splits)]
    areas = [_seam_area(border, a, b) for a, b in draws]
    seam = {"mean": float(np.mean(areas)), "low": min(areas), "high": max(areas)}
    return {"auc_seam": seam}


def _equal_network(real, training, count, seed):
    sets = [real] if training is None else [real, training]
    names = np.concatenate([s.patients() for s in sets])
    windows = np.concatenate([cnn.windows(s) for s in sets])
    sizes = comparison.affordable(len(set(names)), len(real), count)
    a, b = comparison.draw(names, *sizes, np.random.default_rng(seed))
    cases = (windows[a], windows[b], names[a], names[b])
    return detector.cross_validate(cnn.judge, *cases, repeats=1, seed=seed).summary(seed=seed)


def _seam_area(border, a, b):
    ours, theirs = ({name: v[rows] for name, v in border.items()} for rows in (a, b))
    return seams.compare(ours, theirs)["auc"]
