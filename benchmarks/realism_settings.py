"""The settings of `realism.py`: nodules painted anew, in healthy lung, and real ones beside."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import realism_models
import realism_places
import realism_reference

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.synthesis import saved


@dataclasses.dataclass(frozen=True, eq=False)
class Painted:
    """Synthetic nodules of one setting, S seeds of M nodules; arrays as `realism_judge.judge`.

    Attributes:
        hu: int16 `(S, M, row, column)`.
        mask: uint8, likewise, the shapes asked for.
        spacing: float `(S, M, 2)`, mm.
        patients: str `(S, M)`.
        seen: bool like `hu`, or None.
        whole: bool `(S, M)`, those in whole slices.
    """

    hu: np.ndarray
    mask: np.ndarray
    spacing: np.ndarray
    patients: np.ndarray
    seen: np.ndarray | None = None
    whole: np.ndarray | None = None

    def take(self, kept: np.ndarray) -> "Painted":
        """Returns as many nodules a seed as the seed with fewest has, of those kept `(S, M)`."""
        count = kept.sum(axis=1).min()
        rows = np.stack([np.flatnonzero(one)[:count] for one in kept])
        seeds = np.arange(len(rows))[:, None]
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return Painted(**{k: None if v is None else v[seeds, rows] for k, v in values.items()})


def repainted(model: saved.Model, part: nodules_.NoduleSet, seeds: int) -> Painted:
    """Returns every nodule of a part erased and painted anew, `seeds` times."""
    made = [realism_models.paint(model, part.image, part.mask, seed) for seed in range(seeds)]
    hu = np.array(made)
    mask, spacing, patients = (
        np.broadcast_to(one, (seeds, *one.shape))
        for one in (part.mask, part.pixel_spacing, part.patients())
    )
    return Painted(hu, mask, spacing, patients)


def real(training: nodules_.NoduleSet, count: int, seeds: int) -> Painted:
    """Returns real nodules of training patients in place of painted ones, other ones each seed.

    What the judges say of them is how far patients differ from one another: no painter that
    learns from these patients can be asked for less.
    """
    random = np.random.default_rng(0)
    drawn = [training.take(random.permutation(len(training))[:count]) for _ in range(seeds)]
    columns = ([s.image, s.mask, s.pixel_spacing, s.patients()] for s in drawn)
    return Painted(*(np.stack(column) for column in zip(*columns, strict=True)))


def inserted(
    model: saved.Model,
    grounds: tuple[list, list],
    training: nodules_.NoduleSet,
    count: int,
    seeds: int,
    diameters: np.ndarray | None = None,
    asked: Mapping[str, np.ndarray] | None = None,
) -> Painted:
    """Returns nodules of drawn shapes in healthy lung, other places each seed.

    Args:
        model: The generator.
        grounds: Patches and slices, as `backgrounds` returns them.
        training: Whose shapes are drawn.
        count: Nodules a seed.
        seeds: How often.
        diameters: mm, `(count,)`; those of training nodules if not given.
        asked: Conditions `(count,)` by name, in place of those that the model draws; malignancy
            chooses the shapes too.
    """
    rows = []
    for seed in range(seeds):
        ratings = (asked or {}).get("malignancy")
        places = realism_places.draw(*grounds, training, count, seed, diameters, ratings)
        mask = np.array([place.shape() for place in places])
        spacing = np.array([place.spacing for place in places])
        images = realism_models.paint(
            model, [p.hu for p in places], [p.mask for p in places], seed, asked
        )
        hu = np.array([p.window(i) for p, i in zip(places, images, strict=True)])
        names = np.array([p.patient for p in places])
        seen, whole = (np.array([f(p) for p in places]) for f in (_seen, _whole))
        rows.append((hu, mask, spacing, names, seen, whole))
    return Painted(*(np.stack(column) for column in zip(*rows, strict=True)))


def backgrounds(part: str) -> tuple[list, list]:
    """Returns the lung of a part's patients, around all of their nodules, and of other scans."""
    everyone = nodules_.read(realism_reference.DATA).split(realism_reference.SPLIT_SEED)
    slices = realism_places.of_slices(realism_reference.SHARED / "ct" / "tcga")
    return realism_places.of_patches(everyone[part]), slices


def _seen(place):
    return place.seen()


def _whole(place):
    return place.whole
