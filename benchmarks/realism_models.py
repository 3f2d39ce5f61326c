"""Loads what is to be judged, a SavedModel or a run folder's checkpoint, and paints with it."""

import inspect
import pathlib
from collections.abc import Mapping

import numpy as np

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
    module = signatures.Signatures(painter.Painter(trained.trainer.networks.average, settings))
    # A method bound to a module does not keep it alive.
    functions = {"serving_default": module.paint, "lung": module.paint_lung, "_owner": module}
    return saved.Model(path, settings, f"{path.name}, step {steps}", functions)


def conditions_of(model: saved.Model) -> list[str]:
    """Returns which conditions a model takes: some of `texture`, `density`, `malignancy`."""
    known = inspect.signature(model.paint).parameters
    function = model.signatures["serving_default"]
    if hasattr(function, "python_function"):  # of a run; those of a SavedModel have no code
        named = inspect.signature(function.python_function).parameters
    else:
        named = function.structured_input_signature[1]
    return [name for name in CONDITIONS if name in known and name in named]


def paint(
    model: saved.Model,
    image: np.ndarray,
    mask: np.ndarray,
    seed: int,
    conditions: Mapping[str, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns images with nodules painted, int16, and what was painted, uint8.

    Args:
        model: The generator.
        image: int16 `(N, row, column)`, HU.
        mask: uint8, the same shape, the shapes asked for.
        seed: Each row draws its own from it.
        conditions: float `(N,)` by name; those that the model does not take are left out.
    """
    seeds = np.random.default_rng(seed).integers(0, 2**31 - 1, len(image), dtype=np.int32)
    wanted = {name: conditions[name] for name in conditions_of(model)} if conditions else {}
    made = []
    for start in range(0, len(image), _BATCH):
        rows = slice(start, start + _BATCH)
        asked = {name: np.asarray(values[rows], np.float32) for name, values in wanted.items()}
        made.append(model.paint(image[rows], mask[rows], None, seeds[rows], **asked))
    images, painted = zip(*made, strict=True)
    return np.concatenate(images), np.concatenate(painted)


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
