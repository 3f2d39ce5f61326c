"""Loads what is to be judged, a SavedModel or a run folder's checkpoint, and paints with it."""

import inspect
import pathlib
import tempfile
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from ggngan_tf import config
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.synthesis import painter, saved, signatures
from ggngan_tf.training import state

CONDITIONS = ("texture", "density", "malignancy")  # of `saved.Model.paint`, where a model has them
_BATCH = 8


def load(path: pathlib.Path | None, best: bool = False) -> saved.Model:
    """Returns the generator of a SavedModel, of a run folder, or the shipped one (None).

    Args:
        path: A SavedModel, or a run folder, of which the newest checkpoint is taken.
        best: Of a run folder take the best checkpoint.

    Raises:
        ModelError: It is neither.
        TrainingError: The run has no such checkpoint.
    """
    if path is None or not (path / "checkpoints").exists():
        return saved.load(path)
    settings = config.read(path / "config.yaml")
    trained = state.State(settings, path / "checkpoints")
    steps = trained.restore(best) if best else trained.restore()
    with tempfile.TemporaryDirectory() as folder:
        made = painter.Painter(trained.trainer.networks.average, settings)
        signatures.save(made, pathlib.Path(folder))
        loaded = tf.saved_model.load(folder)
    functions = dict(loaded.signatures) | {"_owner": loaded}
    return saved.Model(path, settings, f"{path.name}, step {steps}", functions)


def conditions_of(model: saved.Model) -> list[str]:
    """Returns which conditions a model takes: some of `texture`, `density`, `malignancy`."""
    known = inspect.signature(model.paint).parameters
    named = model.signatures["serving_default"].structured_input_signature[1]
    return [name for name in CONDITIONS if name in known and name in named]


def paint(
    model: saved.Model,
    image: Sequence[np.ndarray],
    mask: Sequence[np.ndarray],
    seed: int,
    conditions: Mapping[str, np.ndarray] | None = None,
) -> list[np.ndarray]:
    """Returns images with nodules painted, int16.

    Args:
        model: The generator.
        image: N of them, int16 `(row, column)`, HU, of any sizes.
        mask: uint8, of the same shapes, the shapes asked for.
        seed: Each row draws its own from it.
        conditions: float `(N,)` by name; those that the model does not take are left out.
    """
    seeds = np.random.default_rng(seed).integers(0, 2**31 - 1, len(image), dtype=np.int32)
    wanted = {name: conditions[name] for name in conditions_of(model)} if conditions else {}
    sizes = [one.shape for one in image]
    made: list = [None] * len(image)
    for rows in _alike(sizes):
        asked = {name: np.asarray(values, np.float32)[rows] for name, values in wanted.items()}
        stacked = (np.stack([kind[row] for row in rows]) for kind in (image, mask))
        for row, one in zip(
            rows, model.paint(*stacked, None, seeds[rows], **asked)[0], strict=True
        ):
            made[row] = one
    return made


def _alike(sizes):
    """Yields rows of images of one size, a few at a time."""
    for size in sorted(set(sizes)):
        rows = [row for row, one in enumerate(sizes) if one == size]
        yield from (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))


def own_conditions(nodules: nodules_.NoduleSet) -> dict[str, np.ndarray]:
    """Returns each real nodule's mean ratings and mean HU inside its mask, float64 `(N,)` each.

    Where no reader gave a rating it is the middle, 3.
    """
    inside = nodules.mask > 0
    area = inside.sum(axis=(1, 2))
    return {
        "texture": _mean(nodules.texture),
        "density": (nodules.image * inside).sum(axis=(1, 2)) / area,
        "malignancy": _mean(nodules.malignancy),
    }


def drawn_conditions(
    mask: np.ndarray, spacing: np.ndarray, real: nodules_.NoduleSet, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Returns conditions of real nodules of about the size asked for, float64 `(N,)` each.

    Nothing of the nodule that is erased goes in: each row takes all three from one of the 20 real
    nodules whose areas are nearest.

    Args:
        mask: `(N, row, column)`.
        spacing: `(N, 2)`, mm.
        real: Training nodules.
        random: What to draw from.
    """
    areas = mask.astype(bool).sum(axis=(1, 2)) * np.prod(spacing, axis=1)
    known = (real.mask > 0).sum(axis=(1, 2)) * np.prod(real.pixel_spacing, axis=1)
    nearest = np.argsort(np.abs(np.log(known) - np.log(areas)[:, None]), axis=1)[:, :20]
    rows = nearest[np.arange(len(areas)), random.integers(nearest.shape[1], size=len(areas))]
    return {name: values[rows] for name, values in own_conditions(real).items()}


def _mean(ratings):
    given = (ratings > 0).sum(axis=1)
    return np.where(given, ratings.sum(axis=1) / np.maximum(given, 1), 3.0)
