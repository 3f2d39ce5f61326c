"""Whether the border of the painted region shows.

Across a visible seam neighbouring pixels differ more (or, if smoothed, less) than across the same
line drawn two pixels further in or out. Real nodules have no painted border, but an edge of their
own: the two are compared, neither is expected to be zero.
"""

import numpy as np
from scipy import ndimage, stats

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import patches, statistics

DILATIONS = (0, 1, 2, 3)  # pixels around the outline; generators erase a little more than the mask
_APART = 2  # pixels between the border and the lines it is held against
_FLOOR = 1.0  # HU; keeps the ratio finite where both sides are flat


def excess(nodules: nodules_.NoduleSet) -> dict[str, np.ndarray]:
    """Returns for each possible border how far it stands out, float64 `(N,)`.

    The logarithm of the mean absolute step across the border over that across the lines beside
    it: 0 for a border that cannot be seen, 0.7 for one twice as steep. Borders are `box`, the
    32 x 32 ROI, and `outline+0` to `outline+3`, the mask grown by so many pixels.
    """
    images, masks = patches.cut(nodules, patches.CONTEXT)
    images = images.astype(float)
    start = (patches.CONTEXT - patches.ROI) // 2
    box = np.zeros(masks.shape[1:], bool)
    box[start : start + patches.ROI, start : start + patches.ROI] = True
    found = {"box": np.array([_excess(image, box) for image in images])}
    for grown in DILATIONS:
        regions = [_grow(mask, grown) for mask in masks]
        pairs = zip(images, regions, strict=True)
        found[f"outline+{grown}"] = np.array([_excess(i, r) for i, r in pairs])
    return found


def compare(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> dict:
    """Returns how well each border tells synthetic from real, and the worst of them.

    Args:
        ours: What `excess` returned of real nodules.
        theirs: Likewise of synthetic ones.

    Returns:
        `borders`: by name, `auc` (0.5 to 1, either way round), `p_value` (Kolmogorov-Smirnov),
        medians of both; `worst`: the name of the one with the smallest p; `auc`: its area;
        `p_value`: its p after Bonferroni.
    """
    borders = {name: _separation(ours[name], theirs[name]) for name in ours}
    worst = min(borders, key=lambda name: (borders[name]["p_value"], -borders[name]["auc"]))
    p_value = min(1.0, len(borders) * borders[worst]["p_value"])
    return {
        "worst": worst,
        "auc": borders[worst]["auc"],
        "p_value": p_value,
        "borders": borders,
    }


def _separation(real, synthetic):
    area = 0.5 + abs(statistics.cliffs_delta(synthetic, real)) / 2
    return {
        "auc": area,
        "p_value": float(stats.ks_2samp(real, synthetic).pvalue),
        "real_median": float(np.median(real)),
        "synthetic_median": float(np.median(synthetic)),
    }


def _excess(image, region):
    beside = [_step(image, _grow(region, side)) for side in (-_APART, _APART)]
    beside = [step for step in beside if step is not None]
    step = _step(image, region)
    if step is None or not beside:
        return 0.0
    return float(np.log((step + _FLOOR) / (np.mean(beside) + _FLOOR)))


def _step(image, region):
    down, right = region[1:] != region[:-1], region[:, 1:] != region[:, :-1]
    if not (down.any() or right.any()):
        return None
    steps = np.concatenate([np.diff(image, axis=0)[down], np.diff(image, axis=1)[right]])
    return np.abs(steps).mean()


def _grow(region, pixels):
    if pixels == 0:
        return region
    change = ndimage.binary_dilation if pixels > 0 else ndimage.binary_erosion
    return change(region, iterations=abs(pixels))
