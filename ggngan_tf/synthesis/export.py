"""From a run folder to a SavedModel that other people's programs can load."""

import json
import pathlib
import shutil
from typing import Any

from ggngan_tf import config, errors, files
from ggngan_tf.data import conditions
from ggngan_tf.synthesis import model_card, painter, saved, signatures, warmup
from ggngan_tf.training import state

LICENCE = "Apache-2.0"


def export(
    run: pathlib.Path,
    out: pathlib.Path,
    metrics: dict[str, Any] | None = None,
    precision: str = "float32",
    newest: bool = False,
) -> pathlib.Path:
    """Writes the averaged generator of a run as the next version of `out`.

    It is that of the best checkpoint, as validation judged it, or of the newest if there is none.

    Args:
        run: A run folder.
        out: `NAME` in the layout of TensorFlow Serving; gets `out/VERSION/`.
        metrics: What was measured of this generator, if known; for its manifest and its card.
        precision: `float32`, or `bfloat16` for its convolutions; see `painter.Painter`.
        newest: Whether to take the newest checkpoint although there is a best one.

    Returns:
        The folder of the new version: `saved_model.pb`, `assets.extra/` with warm-up requests,
        `config.yaml`, `provenance.json`, `log.jsonl`, `model_card.md` and `manifest.json` with the
        settings, the data's fingerprint, the metrics and the SHA-256 of each file.

    Raises:
        TrainingError: `run` holds no checkpoint, or one of other networks.
        OutputError: `out` cannot be written to.
    """
    if not (run / "config.yaml").exists():
        raise errors.TrainingError(f"{run}: not a run folder; give what `ggngan train` wrote.")
    settings = config.read(run / "config.yaml")
    trained = state.State(settings, run / "checkpoints")
    best = trained.best.latest_checkpoint is not None and not newest
    steps = trained.restore(best=best)
    table = [conditions.read(run / conditions.FILE)] if settings.generator.conditions else []
    made = painter.Painter(trained.trainer.networks.average, settings, precision, *table)
    version = out / str(_next_version(out))
    with files.atomic_folder(version) as folder:
        for name in ("config.yaml", "provenance.json", "log.jsonl", conditions.FILE):
            if (run / name).exists():
                shutil.copy(run / name, folder / name)
        chosen = "best" if best else "newest"
        write(made, folder, out.name, version.name, steps, metrics, chosen)
    return version


def write(
    made: painter.Painter,
    folder: pathlib.Path,
    name: str,
    version: str,
    steps: int = 0,
    metrics: dict[str, Any] | None = None,
    checkpoint: str | None = None,
) -> None:
    """Writes a model and all that goes with it into `folder`, the manifest last.

    Args:
        made: The model.
        folder: Holds the run's `provenance.json`, if there is one.
        name: Under which the model is to be served.
        version: Its number.
        steps: How long it was trained.
        metrics: As `export` takes them.
        checkpoint: Which one of its run it is, `best` or `newest`.
    """
    signatures.save(made, folder)
    config.save(made.settings, folder / "config.yaml")
    names = ["serving_default", "roi", "png"]
    names += ["conditioned"] * made.settings.generator.conditions
    names += ["lung"] * made.settings.data.lung
    warmup.write(folder, name, names)
    manifest = {
        "format": saved.FORMAT,
        "name": name,
        "version": version,
        "synthetic": True,
        "precision": made.precision,
        "steps": steps,
        "checkpoint": checkpoint,
        "licence": LICENCE,
        "data": _data(folder / "provenance.json"),
        "metrics": metrics,
        "config": made.settings.model_dump(mode="json"),
    }
    card = model_card.write(made, name, version, manifest)
    (folder / "model_card.md").write_text(card, encoding="utf-8")
    manifest["files"] = saved.hashes(folder)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _data(provenance):
    if not provenance.exists():
        return None
    return json.loads(provenance.read_text(encoding="utf-8")).get("data")


def _next_version(out):
    versions = [int(p.name) for p in out.glob("*") if p.name.isdigit()] if out.exists() else []
    return max(versions, default=0) + 1
