"""Exports a classifier as a SavedModel, so that it can be used as a CAD component."""

import json
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from ggngan_tf import errors, files, inpainting
from ggngan_tf.models import classifier as network
from ggngan_tf.study import augment, tasks
from ggngan_tf.study import settings as settings_
from ggngan_tf.synthesis import saved

FORMAT = "ggngan-classifier/1"
LICENCE = "Apache-2.0"


class Component(tf.Module):
    """HU in, a calibrated probability of ground glass out; any batch, patches of 64 or more."""

    def __init__(
        self,
        weights: list[np.ndarray],
        how: settings_.Classifier,
        window: tuple[float, float],
        calibration: tuple[float, float],
    ):
        super().__init__()
        self.network = network.make(how.filters, how.blocks, how.dropout)
        self.network.set_weights(weights)
        self.window, self.calibration = window, calibration

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 1), tf.float32, "image")])
    def classify(self, image):
        """Judges the nodule in the middle of each patch; what lies beyond 64 pixels is cut off."""
        size, shape = augment.SIZE, tf.shape(image)
        checks = [
            tf.debugging.Assert(
                tf.reduce_min(shape[1:3]) >= size,
                [f"image must be {size} x {size} pixels or larger; found", shape],
            ),
            tf.debugging.Assert(
                tf.reduce_all(tf.math.is_finite(image)), ["image must be finite HU"]
            ),
        ]
        with tf.control_dependencies(checks):
            first = (shape[1:3] - size + 1) // 2
        cut = image[:, first[0] : first[0] + size, first[1] : first[1] + size]
        cut = tf.ensure_shape(cut, (None, size, size, 1))
        logits = self.network(inpainting.scale(cut, self.window), training=False)[:, 0]
        slope, offset = self.calibration
        return {"probability": tf.sigmoid(slope * logits + offset)}


def write(made: Component, folder: pathlib.Path, manifest: dict[str, Any]) -> None:
    """Writes the SavedModel, signature `serving_default`, and its manifest with file hashes."""
    tf.saved_model.save(made, str(folder), {"serving_default": made.classify})
    manifest = {"format": FORMAT, "licence": LICENCE, **manifest}
    manifest["files"] = saved.hashes(folder)
    text = json.dumps(manifest, indent=2) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def export(
    study_folder: pathlib.Path,
    out: pathlib.Path,
    arm: str = "synthetic",
    percentage: float | None = None,
    seed: int = 0,
) -> pathlib.Path:
    """Writes a classifier of a study as the next version of `out`, and returns its folder.

    Raises:
        OutputError: The folder holds no study, or the classifier is not in it.
    """
    task, study = _task(study_folder, arm, percentage, seed)
    folder = study_folder / task.folder
    done = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    with np.load(folder / "weights.npz") as stored:
        weights = [stored[f"arr_{i}"] for i in range(len(stored.files))]
    made = Component(weights, study.classifier, study.window, tuple(done["figures"]["calibration"]))
    versions = [int(p.name) for p in out.glob("*") if p.name.isdigit()] if out.exists() else []
    version = out / str(max(versions, default=0) + 1)
    with files.atomic_folder(version) as fresh:
        about = {
            "name": out.name,
            "version": version.name,
            "task": task.name,
            "key": task.key,
            "threshold": done["figures"]["threshold"],
            "metrics": done["figures"],
            "window": list(study.window),
            "patch": augment.SIZE,
            "rule": study.rule,
            "config": study.model_dump(mode="json"),
            "note": "Research use only: not a medical device.",
        }
        write(made, fresh, about)
    return version


def _task(folder, arm, percentage, seed):
    try:
        study = settings_.read(folder / "config.yaml")
        made_from = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        graph = tasks.build(study, made_from["data"]["sha256"])
    except (OSError, ValueError, KeyError, errors.ConfigError) as error:
        raise errors.OutputError(
            f"{folder}: holds no study; give a folder that `ggngan study run` wrote."
        ) from error
    percentage = study.percentages[-1] if percentage is None else percentage
    name = f"classifier-{tasks.label(percentage, seed)}-{arm}"
    for task in graph:
        if task.name == name and tasks.is_done(task, folder):
            return task, study
    done = [t.name for t in graph if t.kind == "classifier" and tasks.is_done(t, folder)]
    raise errors.OutputError(
        f"{folder}: {name} is not there; there are {', '.join(done[:6]) or 'none'}"
        f"{' and others' if len(done) > 6 else ''}."
    )
