"""One way for every case into a pack, and the audit that shows that it leaves no trace.

Real and synthetic cases are cut, clipped and stored by the same lines of code, which never see to
which class a case belongs.
"""

import dataclasses

import numpy as np
from scipy import ndimage, stats
from sklearn import metrics, preprocessing

from ggngan_tf import errors
from ggngan_tf.turing import sources

LOW, HIGH = -1024, 3071  # HU; what 12 stored bits hold, and what readers of sets clip to
ROI = 32  # pixels; the generator's region (Methods, "Construction of the DL model")
_MARGIN = 3  # pixels around an outline that a generator may also have touched


@dataclasses.dataclass(frozen=True)
class Audit:
    """How well a classifier that sees all but the nodules tells real from synthetic.

    Attributes:
        auc: Each case left out in turn; chance is between `low` and `high`.
        low: Lower end of what shuffled labels give, 95%.
        high: Upper end of it.
        p: Share of shuffled labels that do as well or better.
        cases: How many it was computed on.
    """

    auc: float
    low: float
    high: float
    p: float
    cases: int


def field(cases: list[sources.Case], wanted: int | None) -> int | None:
    """Returns the side of the square around each nodule to show, or None for the whole slice.

    Args:
        cases: Of both classes.
        wanted: Pixels; None takes whole slices where all have one size of 256 or more, and else
            the largest square that lies inside the image of nine in ten cases.

    Raises:
        ReadingError: Whole images are not of one size and some do not say where their nodule is.
    """
    shapes = {case.image.shape for case in cases}
    whole = len(shapes) == 1 and min(next(iter(shapes))) >= 256
    located = all(case.centre is not None for case in cases)
    if wanted is None and (whole or (len(shapes) == 1 and not located)):
        return None
    if not located:
        raise errors.ReadingError(
            f"images come in {len(shapes)} sizes and some cases have no place; "
            "give a table of sites beside their DICOM files."
        )
    return wanted or int(2 * np.quantile([_room(c) for c in cases], 0.1, method="lower") + 1)


def fits(case: sources.Case, side: int | None) -> bool:
    """Tells whether the square lies inside the image, so that nothing needs padding."""
    return side is None or (case.centre is not None and _room(case) >= side // 2)


def cut(case: sources.Case, side: int | None) -> np.ndarray:
    """Returns what a reader sees of a case, int16 HU: the square around it, or the whole slice."""
    window = _window(case, side)
    return np.clip(case.image[window], LOW, HIGH).astype(np.int16)


def shown_centre(case: sources.Case, side: int | None) -> tuple[int, int] | None:
    """Returns the nodule's place in what `cut` returns."""
    return case.centre if side is None else (side // 2, side // 2)


def audit(
    cases: list[sources.Case],
    images: np.ndarray,
    side: int | None,
    real: np.ndarray,
    *,
    rounds: int = 999,
    seed: int = 0,
) -> Audit:
    """Trains a classifier on everything but the pixels of the nodules.

    It sees the histogram, noise, gradients and edges of the image outside the 32 x 32 region and
    the outline, and where in the image the nodule lies.

    Args:
        cases: One for each image.
        images: int16 `(case, row, column)`, as packed.
        side: As `cut` was given it.
        real: bool `(case,)`.
        rounds: Shuffles of the labels, for what chance would give.
        seed: Same seed, same audit.

    Raises:
        ReadingError: A class has fewer than two cases.
    """
    if min(real.sum(), (~real).sum()) < 2:
        raise errors.ReadingError("an audit needs two cases or more of each class.")
    outside = [_outside(c, side, i.shape) for c, i in zip(cases, images, strict=True)]
    features = np.stack([_features(i, o) for i, o in zip(images, outside, strict=True)])
    random = np.random.default_rng(seed)
    shuffled = [random.permutation(real) for _ in range(rounds)]
    auc, *null = _classify(features, np.stack([real, *shuffled], axis=1))
    low, high = np.quantile(null, [0.025, 0.975])
    p = (1 + np.sum(np.asarray(null) >= auc)) / (1 + rounds)
    return Audit(auc=float(auc), low=float(low), high=float(high), p=float(p), cases=len(cases))


def _room(case):
    """Returns how many pixels lie between the nodule's centre and the nearest border."""
    if case.centre is None:
        return -1
    return min(min(c, n - 1 - c) for c, n in zip(case.centre, case.image.shape, strict=True))


def _window(case, side):
    if side is None:
        return slice(None), slice(None)
    return tuple(slice(c - side // 2, c - side // 2 + side) for c in case.centre)


def _outside(case, side, shape):
    """Returns the pixels that no generator touched, bool, as `cut` shows them."""
    inside = np.zeros(case.image.shape, bool)
    if case.centre is not None:
        rows, columns = (slice(max(c - ROI // 2, 0), c + ROI // 2) for c in case.centre)
        inside[rows, columns] = True
    if case.mask is not None:
        inside |= ndimage.binary_dilation(case.mask, iterations=_MARGIN)
    outside = ~inside[_window(case, side)]
    return outside if outside.any() else np.ones(shape, bool)


def _features(image, outside):
    image = image.astype(float)
    values = image[outside]
    smooth = ndimage.gaussian_filter(image, 1.0)
    # A filter looks a few pixels aside: keep what it sees outside the nodule too.
    kept = ndimage.binary_erosion(outside, iterations=4, border_value=1)
    kept = kept if kept.any() else outside
    noise = (image - smooth)[kept]
    slope = np.hypot(*np.gradient(smooth))[kept]
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return np.array(
        [
            *np.quantile(values, [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]),
            values.mean(),
            values.std(),
            noise.std(),
            np.median(np.abs(noise)),
            *np.quantile(slope, [0.5, 0.9]),
            border.mean(),
            border.std(),
            np.mean(border == np.median(border)),
            np.mean(values == LOW),
            np.mean(values == HIGH),
            np.mean(values % 2 == 0),
            len(np.unique(values)) / values.size,
        ]
    )


def _classify(features, labels):
    """Returns the area that kernel ridge regression reaches by leave-one-out, `(shuffle,)`.

    Leaving one out has a closed form, the same for all labels `(case, shuffle)`.
    """
    points = preprocessing.quantile_transform(
        features, n_quantiles=len(features), output_distribution="normal"
    )
    kernel = metrics.pairwise.rbf_kernel(points, gamma=0.5 / points.shape[1])
    hat = kernel @ np.linalg.inv(kernel + np.eye(len(kernel)))
    own = np.diag(hat)[:, None]
    signs = np.where(labels, 1.0, -1.0)
    signs -= signs.mean(axis=0)
    left_out = (hat @ signs - own * signs) / (1 - own)
    ranks = stats.rankdata(left_out, axis=0)
    positive = labels.sum(axis=0)
    above = (ranks * labels).sum(axis=0) - positive * (positive + 1) / 2
    return above / (positive * (len(labels) - positive))
