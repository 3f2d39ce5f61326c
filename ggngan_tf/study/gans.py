"""Trains the GAN of one subset with the tools of `ggngan train` and `ggngan export`."""

import pathlib
import shutil

from ggngan_tf import config
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.synthesis import export
from ggngan_tf.training import loop


def train(
    chosen: nodules_.NoduleSet,
    run: pathlib.Path,
    settings: config.Config,
    before: pathlib.Path | None = None,
) -> pathlib.Path:
    """Trains on a set's rows, all of them, and returns the exported generator's folder.

    A run folder that a killed worker left goes on where its last checkpoint is.

    Args:
        chosen: The subset's GGNs; with `data.others` its other nodules too.
        run: The run folder; gets `data.h5` and `model/1` beside what training writes.
        settings: Their `training.steps` count those of `before`.
        before: The task folder of a GAN whose patients are among this one's, to go on from.
    """
    data = run / "data.h5"
    if not (run / "provenance.json").exists() or not data.exists():
        shutil.rmtree(run, ignore_errors=True)
        source = run.with_name(f"{run.name}.h5")
        nodules_.write(chosen, source)
        loop.start(source, run, settings, force=True)
        if before is not None:
            shutil.copytree(before / "run" / "checkpoints", run / "checkpoints")
        source.rename(data)
    ended = loop.train(data, run, config.read(run / "config.yaml"))
    if ended.step < settings.training.steps and not ended.patience:
        raise KeyboardInterrupt  # Ctrl-C or SIGTERM, which training turns into a checkpoint
    shutil.rmtree(run / "model", ignore_errors=True)
    return export.export(run, run / "model")
