"""Which nodules the pictures of `realism.py` show."""

import pathlib

import numpy as np
import pandas as pd
import realism_figures
import realism_judge
import realism_reference
import realism_settings

from ggngan_tf import errors
from ggngan_tf.data import dicom
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.synthesis import insert, saved

GALLERY = 64  # nodules of a kind
ROWS, SEEDS = 6, 8  # of the picture of seeds
SLICES = 6


def gallery(
    model: saved.Model, held: dict, grounds: tuple[list, list], folder: pathlib.Path, part: str
) -> None:
    """Writes 64 real and 64 synthetic nodules, mixed, and the key.

    Real ones are those of the part's patients, filled up with those of patients that are less
    unseen. Of the synthetic ones half are painted into whole slices, and half where nodules of the
    same patients were that only some reader called ground glass: nothing there was learnt from,
    and no place is shown twice.

    Args:
        model: The generator.
        held: The parts, as `realism_reference.parts` returns them.
        grounds: As `realism_settings.backgrounds` returns them.
        folder: Where to.
        part: `test`, or `validation`, which shows nothing of test patients.
    """
    names = ("test", "validation", "train")[part == "validation" :]
    real = np.concatenate([held[name].image for name in names])[:GALLERY]
    half = GALLERY // 2
    wider = realism_reference.parts(rule="any")
    again = []
    for name in names:
        strict = nodules_.ground_glass(wider[name].texture, "mean")
        rest = wider[name].take(~strict)
        again.append(realism_settings.repainted(model, rest.take(slice(half)), 1).hu[0])
    slices = (grounds[1], grounds[1])
    painted = realism_settings.inserted(model, slices, held["train"], half, 1).hu[0]
    both = np.concatenate([np.concatenate(again)[:half], painted])
    realism_figures.gallery(real, both, folder)


def seeds(model: saved.Model, part: nodules_.NoduleSet, path: pathlib.Path) -> None:
    """Writes nodules of a part, from small to large, each painted with several seeds."""
    area = (part.mask > 0).sum(axis=(1, 2))
    rows = np.argsort(area)[(np.linspace(0.3, 1, ROWS) * (len(part) - 1)).astype(int)]
    chosen = part.take(rows)
    painted = realism_settings.repainted(model, chosen, SEEDS)
    realism_figures.seeds(chosen.image, painted.hu, path)


def slices(model: saved.Model, path: pathlib.Path) -> None:
    """Writes whole slices of other scans with a nodule each, as `ggngan generate` paints it."""
    shown = []
    files = sorted((realism_reference.SHARED / "ct" / "tcga").glob("*.dcm"))
    for number, name in enumerate(files[:: max(1, len(files) // (2 * SLICES))]):
        series = dicom.read_series(name)
        try:
            lung = insert.find_lung(series)
            places = insert.choose_sites(series, lung, 1, None, None, number)
            made = insert.insert(series, lung, places, model, number)[0]
        except (errors.SiteError, errors.LungError):
            continue
        shown.append((made.before, made.after, (made.site.row, made.site.column)))
        if len(shown) == SLICES:
            break
    realism_figures.slices(shown, path)


def worst(
    part: nodules_.NoduleSet, painted: realism_settings.Painted, found: dict, path: pathlib.Path
) -> None:
    """Writes histograms of the features that differ most, over all seeds."""
    names = [row["feature"] for row in found["worst"]]
    ours = realism_reference.table(part)
    theirs = pd.concat(
        [
            realism_reference.table(realism_judge.as_set(*one))
            for one in zip(painted.hu, painted.mask, painted.spacing, painted.patients, strict=True)
        ]
    )
    panels = [
        (n.removeprefix("original_"), ours[n].dropna().to_numpy(), theirs[n].dropna().to_numpy())
        for n in names
    ]
    realism_figures.histograms(panels, path)
