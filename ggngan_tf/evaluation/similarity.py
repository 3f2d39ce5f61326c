"""How like each other nodules are: copies of training nodules, repeats, and painted pairs."""

import dataclasses

import numpy as np
from scipy import ndimage

from ggngan_tf import config
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import patches

_SHIFTS = 2  # pixels that a copy may have been moved by
_BLOCK = 64  # training nodules compared at a time; 200 positions of each, some 50 MB
_FLOOR = 10.0  # HU; below this a nodule is flat, and likeness to it means nothing


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """The nearest training nodule of each nodule.

    Attributes:
        index: int `(N,)`, its row in the training set.
        distance: float64 `(N,)`; the root mean square difference in HU over the nodule's own
            pixels, over their standard deviation: 0 for a copy, about 1 for no likeness.
    """

    index: np.ndarray
    distance: np.ndarray


def nearest(
    nodules: nodules_.NoduleSet,
    training: nodules_.NoduleSet,
    apart: bool = False,
) -> Neighbours:
    """Returns the nearest training nodule, over 8 orientations and shifts of up to 2 pixels.

    Args:
        nodules: N of them.
        training: What a generator may have copied from.
        apart: Whether a nodule's own patient is left out (for real against real).
    """
    images, masks = patches.cut(nodules, patches.ROI)
    weights = masks.reshape(len(nodules), -1).astype(np.float32)
    middle = (images * masks).sum(axis=(1, 2)) / masks.sum(axis=(1, 2))
    values = (images - middle[:, None, None]).reshape(len(nodules), -1).astype(np.float32) * weights
    best, index = np.full(len(nodules), np.inf), np.zeros(len(nodules), int)
    others, _ = patches.cut(training, patches.ROI + 2 * _SHIFTS)
    same = _same_patient(nodules, training) if apart else None
    for start in range(0, len(others), _BLOCK):
        found = _squares(values, weights, middle, others[start : start + _BLOCK])
        if same is not None:
            found[same[:, start : start + _BLOCK]] = np.inf
        closer = found.min(axis=1) < best
        index[closer] = start + found.argmin(axis=1)[closer]
        best = np.minimum(best, found.min(axis=1))
    count = weights.sum(axis=1)
    deviation = np.sqrt((values**2).sum(axis=1) / count)
    return Neighbours(index, np.sqrt(best / count) / np.maximum(deviation, _FLOOR))


def copies(synthetic: Neighbours, real: Neighbours) -> np.ndarray:
    """Returns which synthetic nodules are copies, bool `(N,)`.

    One is a copy if it is less than half as far from a training nodule as any real nodule is
    from one of another patient (`nearest(..., apart=True)`).
    """
    return synthetic.distance < 0.5 * real.distance.min()


def repeats(*sets: nodules_.NoduleSet) -> dict[str, float]:
    """Returns how much nodules differ that were painted at one place with several seeds.

    Args:
        sets: Synthetic nodules; a place may come back within a set or in another.

    Returns:
        `places` painted more than once; `mean_difference`, the mean root mean square difference
        in HU over the nodule's pixels between two of them; `relative`, the same over their
        standard deviation. NaN where no place was painted twice.
    """
    windows = [patches.cut(nodules, patches.ROI) for nodules in sets]
    images, masks = (np.concatenate(kind) for kind in zip(*windows, strict=True))
    keys = [key for nodules in sets for key in zip(*_place(nodules), strict=True)]
    places = {}
    for row, key in enumerate(keys):
        places.setdefault(key, []).append(row)
    several = [rows for rows in places.values() if len(rows) > 1]
    found = [_differences(images[rows].astype(float), masks[rows]) for rows in several]
    mean = np.mean(found, axis=0) if found else (np.nan, np.nan)
    return {
        "places": len(several),
        "mean_difference": float(mean[0]),
        "relative": float(mean[1]),
    }


def pairs(real: nodules_.NoduleSet, synthetic: nodules_.NoduleSet) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of nodules that were painted anew, and of their originals, int each."""
    where = {key: row for row, key in enumerate(zip(*_identity(real), strict=True))}
    keys = zip(*_identity(synthetic), strict=True)
    matches = [(where[key], row) for row, key in enumerate(keys) if key in where]
    ours, theirs = np.array(matches, int).reshape(-1, 2).T
    return ours, theirs


def ssim(first: np.ndarray, second: np.ndarray, width: float = 1500.0) -> np.ndarray:
    """Returns the structural similarity of each pair of images, float64 `(N,)`, -1 to 1.

    Args:
        first: `(N, row, column)`, HU.
        second: The same shape.
        width: HU of the window in which differences are judged.

    Source: Wang et al., IEEE Transactions on Image Processing 2004; 13: 600-612 (Gaussian
    window of 11 pixels, deviation 1.5; edges where the window does not fit are left out).
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    c1, c2 = (0.01 * width) ** 2, (0.03 * width) ** 2
    # SSIM's constants and brightness term expect intensities from 0, so air becomes 0.
    a, b = a - config.LUNG_WINDOW[0], b - config.LUNG_WINDOW[0]
    mean_a, mean_b = _blur(a), _blur(b)
    variance_a, variance_b = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2
    shared = _blur(a * b) - mean_a * mean_b
    brightness = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * shared + c2) / (variance_a + variance_b + c2)
    return (brightness * structure)[:, 5:-5, 5:-5].mean(axis=(1, 2))


def _blur(images):
    return ndimage.gaussian_filter(images, 1.5, radius=5, axes=(1, 2))


def _squares(values, weights, middle, others):
    positions = np.stack(list(_positions(others.astype(np.float32))), axis=1)
    size = positions.shape[1]
    flat = positions.reshape(len(others) * size, -1)
    # Sum of w (v + middle - o) ** 2 with w v = v, spelled out so that it is matrix products.
    offset = middle[:, None].astype(np.float32)
    moved = weights @ (flat**2).T - 2 * offset * (weights @ flat.T)
    moved += offset**2 * weights.sum(axis=1, keepdims=True)
    cross = values @ flat.T - offset * values.sum(axis=1, keepdims=True)
    squares = (values**2).sum(axis=1, keepdims=True) + moved - 2 * cross
    return squares.clip(min=0).reshape(len(values), len(others), size).min(axis=2).astype(float)


def _positions(images):
    side = patches.ROI
    for quarter in range(4):
        turned = np.rot90(images, quarter, axes=(1, 2))
        for oriented in (turned, turned[:, :, ::-1]):
            for row in range(2 * _SHIFTS + 1):
                for column in range(2 * _SHIFTS + 1):
                    yield oriented[:, row : row + side, column : column + side]


def _differences(images, masks):
    inside = masks.any(axis=0)
    values = images[:, inside]
    first, second = np.triu_indices(len(values), 1)
    apart = np.sqrt(np.mean((values[first] - values[second]) ** 2, axis=1)).mean()
    return apart, apart / max(values.std(axis=1).mean(), _FLOOR)


def _same_patient(nodules, training):
    return nodules.patients()[:, None] == training.patients()


def _identity(nodules):
    return nodules.patients(), nodules.series_uid, nodules.nodule_id


def _place(nodules):
    origin = nodules.slice_origin
    centre = nodules.roi_centre if origin is None else nodules.roi_centre + origin
    return nodules.patients(), nodules.sop_uid, centre[:, 0], centre[:, 1]
