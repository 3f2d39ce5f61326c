"""Loads what is to be judged, a SavedModel or a run folder's checkpoint, and paints with it."""

import pathlib
import tempfile
from collections.abc import Mapping, Sequence

import numpy as np

from ggngan_tf.data import conditions
from ggngan_tf.synthesis import export, saved

_BATCH = 8


def load(path: pathlib.Path | None, best: bool = False) -> saved.Model:
    """Returns the generator of a SavedModel, of a run folder, or the shipped one (None).

    Args:
        path: A SavedModel, or a run folder, of which the newest checkpoint is taken.
        best: Of a run folder take the best checkpoint, if it has one.

    Raises:
        ModelError: It is neither.
        TrainingError: The run has no checkpoint.
    """
    if path is None or not (path / "checkpoints").exists():
        return saved.load(path)
    with tempfile.TemporaryDirectory() as folder:
        return saved.load(export.export(path, pathlib.Path(folder) / "model", newest=not best))


def conditions_of(model: saved.Model) -> list[str]:
    """Returns which conditions a model takes, in the order in which it takes them."""
    return list(conditions.NAMES) if "conditioned" in model.signatures else []


def paint(
    model: saved.Model,
    image: Sequence[np.ndarray],
    mask: Sequence[np.ndarray],
    seed: int,
    asked: Mapping[str, np.ndarray] | None = None,
) -> list[np.ndarray]:
    """Returns images with nodules painted, int16.

    Args:
        model: The generator.
        image: N of them, int16 `(row, column)`, HU, of any sizes.
        mask: uint8, of the same shapes, the shapes asked for.
        seed: Each row draws its own from it.
        asked: Conditions `(N,)` by name; the model draws the others from real nodules, as it does
            for anyone who asks for nothing.
    """
    seeds = np.random.default_rng(seed).integers(0, 2**31 - 1, len(image), dtype=np.int32)
    sizes = [one.shape for one in image]
    made: list = [None] * len(image)
    for rows in _alike(sizes):
        wanted = {"asked": _columns(model, asked, rows)} if asked else {}
        images, masks = (np.stack([kind[row] for row in rows]) for kind in (image, mask))
        painted = model.paint(images, masks, None, seeds[rows], **wanted)[0]
        for row, one in zip(rows, painted, strict=True):
            made[row] = one
    return made


def _columns(model, asked, rows):
    unasked = np.full(len(rows), np.nan, np.float32)
    names = conditions_of(model)
    columns = [np.asarray(asked[n], np.float32)[rows] if n in asked else unasked for n in names]
    return np.stack(columns, axis=1)


def _alike(sizes):
    """Yields rows of images of one size, a few at a time."""
    for size in sorted(set(sizes)):
        rows = [row for row, one in enumerate(sizes) if one == size]
        yield from (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))
