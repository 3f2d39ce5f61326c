"""Whether a generator does what it is asked: diameter, HU and their distribution, ratings.

Diameter and distribution are measured in the picture. Texture and malignancy are ratings of
readers, so that a judge is trained on real nodules to read them off the features; what it makes of
real nodules of patients that it has not seen says how far it is to be trusted.
"""

import argparse
import json
import pathlib

import numpy as np
import pandas as pd
import realism_figures
import realism_judge
import realism_models
import realism_reference
import realism_settings
import realism_table
import sklearn.ensemble
import sklearn.model_selection
from scipy import ndimage, stats
from scipy.spatial import distance

from ggngan_tf import files
from ggngan_tf.data import conditions
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import radiomics
from ggngan_tf.synthesis import saved

COUNT = 200  # nodules a condition
MEASURED = {  # about the 5th and 95th percentile of ground glass nodules, as `conditions` measures
    "density": (-800.0, -350.0),
    "spread": (50.0, 160.0),
    "structure": (0.05, 0.5),
    "edge": (-150.0, -5.0),
}
DIAMETERS = (5.0, 25.0)  # mm
RATINGS = conditions.NAMES[:2]
_FOLDS = 5
_RIM = 3  # pixels around a nodule that stand for its surroundings


def measure(
    model: saved.Model, held: dict, grounds: tuple[list, list], count: int = COUNT
) -> dict[str, dict]:
    """Returns asked, measured, correlation and error of each condition that the model takes.

    Each condition is asked for at `count` places in healthy lung while the others are drawn by
    the model. `diameter` is asked for by the mask, so that any model takes it.

    Args:
        model: The generator.
        held: Parts of real nodules.
        grounds: Healthy lung, as `realism_settings.backgrounds` returns it.
        count: Nodules a condition.
    """
    random = np.random.default_rng(0)
    taken = realism_models.conditions_of(model)
    found = {"diameter": _diameters(model, held, grounds, count, random)}
    for name, ends in MEASURED.items():
        if name in taken:
            asked = random.uniform(*ends, count)
            painted = _painted(model, held, grounds, {name: asked})
            found[name] = _agreement(asked, _inside(painted, name))
    for name in RATINGS:
        if name in taken:
            reader = train_reader(name)
            asked = np.tile(np.arange(1.0, 6.0), -(-count // 5))[:count]
            painted = _painted(model, held, grounds, {name: asked})
            read = reader.read(painted)
            found[name] = _agreement(asked, read) | {
                "reader": reader.own,
                "levels": reader.levels(asked, read),
            }
    return found


class Reader:
    """Reads a rating off features and shape; `own` is its agreement on unseen real patients.

    Args:
        table: Features and shape of real nodules, and their patients.
        ratings: Float `(N,)`.
        alike: Bool `(N,)`, which of them are of the kind that is painted; `own` and `levels` are
            of these, while all teach it.
    """

    def __init__(self, table: pd.DataFrame, ratings: np.ndarray, alike: np.ndarray):
        self.columns = [*radiomics.FEATURES, *radiomics.SHAPES]
        values = table[self.columns].to_numpy(float)
        folds = sklearn.model_selection.GroupKFold(_FOLDS)
        guessed = sklearn.model_selection.cross_val_predict(
            _regression(), values, ratings, groups=table.patient, cv=folds
        )
        self.ratings, self.guessed = ratings[alike], guessed[alike]
        self.own = _agreement(self.ratings, self.guessed, keep=False)
        self.model = _regression().fit(values, ratings)

    def read(self, painted: realism_settings.Painted) -> np.ndarray:
        """Returns a rating for each nodule, float `(N,)`; NaN where there are no features."""
        table = radiomics.extract(_as_set(painted))[self.columns]
        known = table.notna().all(axis=1).to_numpy()
        read = np.full(len(table), np.nan)
        read[known] = self.model.predict(table[known].to_numpy(float))
        return read

    def levels(self, asked: np.ndarray, read: np.ndarray) -> dict[str, list[float]]:
        """Returns by grade the mean reading of synthetic nodules, and of unseen real ones.

        A regression reads extremes towards the middle, in both alike.
        """
        return {
            f"{grade}": [
                float(np.nanmean(read[np.rint(asked) == grade])),
                float(self.guessed[np.rint(self.ratings) == grade].mean()),
            ]
            for grade in range(1, 6)
        }


def train_reader(name: str) -> Reader:
    """Returns a reader of `texture` or `malignancy`, trained on real nodules of every texture.

    Where malignancy alone is asked for ground glass is painted, so that ground glass is what its
    readings are set beside: a solid nodule shows its malignancy more clearly.
    """
    everyone = nodules_.read(realism_reference.DATA)
    given = getattr(everyone, name)
    ratings = given.sum(axis=1) / np.maximum((given > 0).sum(axis=1), 1)
    table = _all_features(everyone)
    known = table.notna().all(axis=1).to_numpy() & (given > 0).any(axis=1)
    ground_glass = nodules_.ground_glass(everyone.texture, "mean")
    alike = ground_glass if name == "malignancy" else np.ones(len(everyone), bool)
    return Reader(table[known], ratings[known], alike[known])


def diameters(
    image: np.ndarray, mask: np.ndarray, spacing: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the diameter of each mask and of what stands out in the picture, mm, `(N,)` each.

    A pixel stands out that is nearer to the nodule's middle HU than to that of its surroundings;
    the piece that covers most of the mask counts, within `2 * _RIM` pixels of it.

    Args:
        image: `(N, row, column)`, HU.
        mask: The same shape.
        spacing: mm, `(N, 2)`.
    """
    pairs = [_diameter(*one) for one in zip(image, mask > 0, spacing, strict=True)]
    return tuple(np.array(column) for column in zip(*pairs, strict=True))


def _diameter(image, mask, spacing):
    smooth = ndimage.gaussian_filter(image.astype(float), 0.7)
    near = ndimage.binary_dilation(mask, iterations=_RIM)
    far = ndimage.binary_dilation(mask, iterations=2 * _RIM)
    middle = (np.median(smooth[mask]) + np.median(smooth[far & ~near])) / 2
    pieces, count = ndimage.label((smooth > middle) & far)
    if not count:
        return _across(mask, spacing), np.nan
    covered = np.bincount(pieces[mask], minlength=count + 1)[1:]
    return _across(mask, spacing), _across(pieces == 1 + covered.argmax(), spacing)


def _across(mask, spacing):
    edge = mask & ~ndimage.binary_erosion(mask)
    points = np.argwhere(edge) * spacing
    return float(distance.pdist(points).max() + np.mean(spacing)) if len(points) > 1 else 0.0


def _diameters(model, held, grounds, count, random):
    asked = random.uniform(*DIAMETERS, count)
    painted = realism_settings.inserted(
        model, (grounds[1], grounds[1]), held["train"], count, 1, diameters=asked
    )
    masks, measured = diameters(painted.hu[0], painted.mask[0], painted.spacing[0])
    real = held["train"]
    own = diameters(real.image, real.mask, real.pixel_spacing)
    return _agreement(asked, measured) | {
        "reader": _agreement(*own, keep=False),
        "mask": _agreement(asked, masks, keep=False),
    }


def _painted(model, held, grounds, asked):
    count = len(next(iter(asked.values())))
    slices = grounds[1], grounds[1]
    return realism_settings.inserted(model, slices, held["train"], count, 1, asked=asked)


def _inside(painted, name):
    """Returns one condition as it is measured inside each mask, float `(N,)`."""
    column = conditions.NAMES.index(name) - len(RATINGS)
    pairs = zip(painted.hu[0], painted.mask[0], strict=True)
    return np.array([_distribution(hu, mask)[column] for hu, mask in pairs])


def _distribution(hu, mask):
    return conditions.distribution(hu[None, ..., None], mask[None, ..., None] > 0).numpy()[0]


def _as_set(painted):
    return realism_judge.as_set(
        painted.hu[0], painted.mask[0], painted.spacing[0], painted.patients[0]
    )


def _all_features(everyone):
    kept = realism_reference.CACHE / f"all-{nodules_.fingerprint(realism_reference.DATA)[:12]}.csv"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        radiomics.write(radiomics.extract(everyone), kept)
    table = radiomics.read(kept)
    # A copy, because a table that was read column by column warns of each column that is added.
    chosen = table[[*radiomics.FEATURES, *radiomics.SHAPES]].copy()
    return chosen.assign(patient=everyone.patients())


def _regression():
    return sklearn.ensemble.HistGradientBoostingRegressor(
        max_iter=150, learning_rate=0.06, random_state=0
    )


def _agreement(asked, measured, keep=True):
    """Returns `n`, Pearson's and Spearman's correlation, mean error, and mean absolute error."""
    known = np.isfinite(measured)
    asked, measured = np.asarray(asked, float)[known], np.asarray(measured, float)[known]
    found = {
        "n": len(asked),
        "pearson": float(stats.pearsonr(asked, measured).statistic),
        "spearman": float(stats.spearmanr(asked, measured).statistic),
        "mean_error": float(np.mean(measured - asked)),
        "mean_absolute_error": float(np.mean(np.abs(measured - asked))),
    }
    return found | ({"asked": asked.tolist(), "measured": measured.tolist()} if keep else {})


def text(found: dict[str, dict]) -> str:
    """Returns a Markdown table of what `measure` found."""
    lines = [
        "| asked for | nodules | correlation | mean error | mean absolute error | "
        "on real ones: correlation, mean absolute error |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in found.items():
        own = one.get("reader")
        real = f"{own['pearson']:.2f}, {own['mean_absolute_error']:.2f}" if own else "exact"
        lines.append(
            f"| {name} | {one['n']} | {one['pearson']:.2f} | {one['mean_error']:.2f} | "
            f"{one['mean_absolute_error']:.2f} | {real} |"
        )
    for name, one in found.items():
        if "levels" in one:
            pairs = [f"{g}: {a:.1f} ({b:.1f})" for g, (a, b) in one["levels"].items()]
            lines += ["", f"{name} asked: read (real ones of that grade): " + ", ".join(pairs)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=pathlib.Path, help="SavedModel or run folder")
    parser.add_argument("--count", type=int, default=COUNT, help="nodules a condition")
    parser.add_argument("--out", type=pathlib.Path, help="folder for control.json and control.png")
    parser.add_argument("--page", type=pathlib.Path, help="put the table into this page")
    options = parser.parse_args()
    model = realism_models.load(options.model)
    held = realism_reference.parts()
    found = measure(model, held, realism_settings.backgrounds("validation"), options.count)
    print(text(found))
    if options.page:
        realism_table.fill(options.page, text(found), "control")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        files.write_text(options.out / "control.json", json.dumps(found, indent=1))
        panels = [
            (name, one["asked"], one["measured"], f"r = {one['pearson']:.2f}")
            for name, one in found.items()
        ]
        realism_figures.scatter(panels, options.out / "control.png")


if __name__ == "__main__":
    main()
