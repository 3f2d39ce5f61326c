"""From a run folder to a SavedModel that other people's programs can load."""

import json
import pathlib
import shutil

import tensorflow as tf

from ggngan_tf import config, errors, files
from ggngan_tf.synthesis import painter
from ggngan_tf.training import state

_SLICE = tf.TensorSpec((None, None, None, 1), tf.float32)


class Signatures(tf.Module):
    """The graph functions of the exported model; HU in, HU out, any size of slice and batch."""

    def __init__(self, made: painter.Painter):
        super().__init__()
        self.painter = made

    @tf.function
    def paint(self, image, mask, seed):
        """Paints `mask` (1 where to paint) into `image`, both `(batch, row, column, 1)`, HU."""
        hole = _checked_hole(image, mask)
        return {"image": self.painter.hu(image, hole, None, seed)}

    @tf.function
    def paint_lung(self, image, mask, lung, seed):
        """Likewise, with the lung region that the generator was trained to see nothing outside."""
        hole = _checked_hole(image, mask)
        return {"image": self.painter.hu(image, hole, lung, seed)}


def export(run: pathlib.Path, out: pathlib.Path) -> pathlib.Path:
    """Writes the newest checkpoint's averaged generator as the next version of `out`.

    Args:
        run: A run folder.
        out: `NAME` in the layout of TensorFlow Serving; gets `out/VERSION/`.

    Returns:
        The folder of the new version: `saved_model.pb`, `config.yaml`, `provenance.json`,
        `log.jsonl` and `manifest.json` with the SHA-256 of each file.

    Raises:
        TrainingError: `run` holds no checkpoint, or one of other networks.
        OutputError: `out` cannot be written to.
    """
    if not (run / "config.yaml").exists():
        raise errors.TrainingError(f"{run}: not a run folder; give what `ggngan train` wrote.")
    settings = config.read(run / "config.yaml")
    trained = state.State(settings, run / "checkpoints")
    steps = trained.restore()
    made = painter.Painter(trained.trainer.networks.average, settings)
    version = out / str(_next_version(out))
    with files.atomic_folder(version) as folder:
        save(made, folder)
        for name in ("config.yaml", "provenance.json", "log.jsonl"):
            if (run / name).exists():
                shutil.copy(run / name, folder / name)
        _write_manifest(folder, steps)
    return version


def save(made: painter.Painter, folder: pathlib.Path) -> None:
    """Writes the SavedModel's own files: signature `serving_default` and, where needed, `lung`."""
    module = Signatures(made)
    image, mask = (tf.TensorSpec(_SLICE.shape, tf.float32, name) for name in ("image", "mask"))
    seed = tf.TensorSpec((None,), tf.int32, "seed")
    signatures = {"serving_default": module.paint.get_concrete_function(image, mask, seed)}
    if made.settings.data.lung:
        lung = tf.TensorSpec(_SLICE.shape, tf.float32, "lung")
        signatures["lung"] = module.paint_lung.get_concrete_function(image, mask, lung, seed)
    tf.saved_model.save(module, str(folder), signatures)


def _checked_hole(image, mask):
    """Returns the mask as 0 and 1, or fails in the graph with words that a server passes on."""
    checks = [
        tf.debugging.assert_equal(
            tf.shape(image), tf.shape(mask), "mask must have the shape of image"
        ),
        tf.debugging.assert_all_finite(image, "image must be finite HU"),
        tf.debugging.assert_equal(
            tf.reduce_all(tf.reduce_any(mask > 0.5, axis=(1, 2, 3))),
            True,
            "each mask must mark at least one pixel to paint",
        ),
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        return tf.cast(mask > 0.5, tf.float32)


def _next_version(out):
    versions = [int(p.name) for p in out.glob("*") if p.name.isdigit()] if out.exists() else []
    return max(versions, default=0) + 1


def _write_manifest(folder, steps):
    """Lists every file of the model with its hash, so that a changed one is noticed."""
    kept = sorted(p for p in folder.rglob("*") if p.is_file())
    hashes = {str(p.relative_to(folder)): files.sha256(p) for p in kept}
    manifest = {"format": "ggngan-model/1", "steps": steps, "files": hashes}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
