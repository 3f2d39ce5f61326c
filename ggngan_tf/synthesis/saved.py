"""Finds, checks and loads exported generators."""

import dataclasses
import hashlib
import importlib.resources
import json
import pathlib
import warnings
from typing import Any

import numpy as np
import tensorflow as tf

from ggngan_tf import config, errors, files, inpainting
from ggngan_tf.data import conditions
from ggngan_tf.training import devices

DEFAULT = "ggn_generator"
FORMAT = "ggngan-model/1"


@dataclasses.dataclass(frozen=True)
class Model:
    """A loaded generator.

    Attributes:
        folder: The version's folder.
        settings: As it was trained with.
        sha256: Of its manifest, which holds the SHA-256 of each of its files; where those do not
            match and it was loaded all the same, of the list of its files as they are.
        signatures: The SavedModel's functions by name.
    """

    folder: pathlib.Path
    settings: config.Config
    sha256: str
    signatures: dict[str, Any]

    def paint(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        lung: np.ndarray | None,
        seeds: np.ndarray,
        asked: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Paints nodules into slices.

        Args:
            image: int16 `(batch, row, column)`, HU.
            mask: uint8, the same shape, each nodule's pixels. What is painted is the mask grown
                by the few pixels that the generator was trained with, or the ROI's square.
            lung: uint8, the same shape, or None for all ones; used if the generator was trained
                to see the lung only.
            seeds: int32 `(batch,)`; same seed, same nodule.
            asked: float32 `(batch, condition)`, what the nodules should be, in the order of
                `conditions.NAMES`; NaN is drawn. None for all drawn.

        Returns:
            The slices int16, and what was painted, uint8; every other pixel is as it was.
        """
        hole = holes(mask, self.settings.erase)
        inputs = {
            "image": tf.constant(image[..., None], tf.float32),
            "mask": tf.constant(hole[..., None], tf.float32),
            "seed": tf.constant(seeds, tf.int32),
        }
        name = "serving_default"
        if self.settings.data.lung and (lung is not None or asked is not None):
            region = np.ones_like(image) if lung is None else lung
            name, inputs["lung"] = "lung", tf.constant(region[..., None], tf.float32)
        if asked is not None:
            name = "conditioned"
            if name not in self.signatures:
                raise errors.ModelError(
                    f"{self.folder}: was trained without conditions; leave texture, malignancy, "
                    "density and spread to chance or take another model."
                )
            # A model of an earlier version takes fewer of them.
            takes = self.signatures[name].structured_input_signature[1]
            columns = zip(conditions.NAMES, asked.T, strict=True)
            inputs |= {key: tf.constant(v, tf.float32) for key, v in columns if key in takes}
        painted = self.signatures[name](**inputs)["image"].numpy()[..., 0]
        return np.where(hole, np.rint(painted), image).astype(np.int16), hole


def load(path: pathlib.Path | None = None, *, unchecked: bool = False) -> Model:
    """Loads the newest version of a generator, or the one that ships with the package.

    Args:
        path: `NAME` or `NAME/VERSION`; None for the shipped one.
        unchecked: Load it even if its files are not those that its manifest lists.

    Raises:
        ModelError: There is none, it is not one of ours, or a file is not as its manifest says.
    """
    folder, sha256 = check(path, unchecked=unchecked)
    _warn_if_slow(folder)
    try:
        loaded = tf.saved_model.load(str(folder))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise errors.ModelError(f"{folder}: TensorFlow cannot load it ({error}).") from error
    settings = config.read(folder / "config.yaml")
    # `loaded` owns the variables of its signatures, so it is kept with them.
    return Model(folder, settings, sha256, dict(loaded.signatures) | {"_owner": loaded})


def check(path: pathlib.Path | None = None, *, unchecked: bool = False) -> tuple[pathlib.Path, str]:
    """Returns the folder that `load` would load and the hash that names it, without loading it.

    Arguments and errors are those of `load`.
    """
    folder = _version(path or shipped())
    return folder, _check(folder, _manifest(folder), unchecked)


def holes(mask: np.ndarray, settings: config.Erase) -> np.ndarray:
    """Returns what to paint, uint8 `(batch, row, column)`, from the nodules' own pixels.

    Args:
        mask: uint8 `(batch, row, column)`, each nodule's pixels.
        settings: How the generator was trained to erase: contours grown, or squares.
    """
    mask = tf.constant(mask[..., None], tf.float32)
    if settings.shape == "contour":
        return inpainting.dilate(mask, settings.dilation).numpy()[..., 0].astype(np.uint8)
    rows, columns = mask.shape[1:3]
    filled = [np.argwhere(one[..., 0]) for one in mask.numpy()]
    centre = np.stack([(p.min(axis=0) + p.max(axis=0) + 1) // 2 for p in filled])
    hole = inpainting.box(tf.constant(centre, tf.int32), settings.roi_size, rows, columns)
    return hole.numpy()[..., 0].astype(np.uint8)


def shipped() -> pathlib.Path:
    """Returns the folder of the generator that ships with the package."""
    return pathlib.Path(str(importlib.resources.files("ggngan_tf.saved_models"))) / DEFAULT


def precision(folder: pathlib.Path) -> str:
    """Returns what a version's convolutions compute in, `float32` or `bfloat16`.

    Raises:
        ModelError: It has no manifest of ours.
    """
    return _manifest(folder).get("precision", "float32")


def hashes(folder: pathlib.Path) -> dict[str, str]:
    """Returns the SHA-256 of each file of a model but its manifest, by the file's name."""
    kept = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json")
    return {p.relative_to(folder).as_posix(): files.sha256(p) for p in kept}


def _version(path):
    if (path / "saved_model.pb").exists():
        return path
    versions = [p for p in path.glob("*") if p.name.isdigit() and (p / "saved_model.pb").exists()]
    if not versions:
        raise errors.ModelError(
            f"{path}: holds no SavedModel; give a folder that `ggngan export` wrote."
        )
    return max(versions, key=lambda p: int(p.name))


def _manifest(folder):
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        known = manifest["format"] == FORMAT and isinstance(manifest["files"], dict)
    except (OSError, ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise errors.ModelError(
            f"{folder}: has no manifest of format ggngan-model/1, so it is not a generator of "
            "this package; give a folder that `ggngan export` wrote."
        )
    return manifest


def _warn_if_slow(folder):
    if precision(folder) == "bfloat16" and not devices.is_fast_in_bfloat16():
        warnings.warn(
            f"{folder}: computes in bfloat16, which this machine has no instructions for, and is "
            "slower here than a float32 export; use that one (ggngan export --precision float32).",
            stacklevel=3,
        )


def _check(folder, manifest, unchecked):
    """Returns the hash that names this model."""
    changed = [
        name
        for name, expected in manifest["files"].items()
        if not (folder / name).is_file() or files.sha256(folder / name) != expected
    ]
    if not changed:
        return files.sha256(folder / "manifest.json")
    if not unchecked:
        raise errors.ModelError(
            f"{folder / changed[0]}: missing, or not the file that manifest.json lists; "
            "copy the whole model again, or load it unchecked if you trust who changed it."
        )
    listed = json.dumps(hashes(folder)).encode()
    return hashlib.sha256(listed).hexdigest()
