"""The loop around the step, and all its side effects: a run folder that can be resumed."""

import contextlib
import json
import pathlib
import signal
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
import tqdm

from ggngan_tf import config, errors, files, inpainting
from ggngan_tf.data import nodules, pipeline
from ggngan_tf.training import runlog, state, step

_SAMPLES = 6  # nodules in a sample grid


def start(data: pathlib.Path, out: pathlib.Path, settings: config.Config, force: bool) -> None:
    """Makes a run folder with its settings and provenance; `train` then fills it.

    Raises:
        OutputError: `out` holds something already and `force` is False.
        NoduleSetError: `data` is not a set, or no nodule fulfils the rule.
        TrainingError: No patient falls into the training part.
    """
    files.check_new(out, force)
    parts = read_parts(data, settings)
    with files.atomic_folder(out) as folder:
        config.save(settings, folder / "config.yaml")
        rows = {name: len(part) for name, part in parts.items()}
        made_from = runlog.provenance(data, settings, rows)
        text = json.dumps(made_from, indent=2) + "\n"
        (folder / "provenance.json").write_text(text, encoding="utf-8")


def read_parts(data: pathlib.Path, settings: config.Config) -> dict[str, nodules.NoduleSet]:
    """Reads the set's ground glass nodules and splits them by patient.

    Raises:
        NoduleSetError: `data` is not a set, or no nodule fulfils the rule.
        TrainingError: No patient falls into the training part.
    """
    chosen = nodules.read(data).select(settings.data.rule)
    parts = chosen.split(settings.data.split_seed, settings.data.fractions)
    if not len(parts["train"]):
        raise errors.TrainingError(
            f"{data}: none of {len(chosen)} nodules falls into the training part; "
            "set data.fractions=[1, 0, 0] or data.split_seed."
        )
    return parts


def train(data: pathlib.Path, out: pathlib.Path, settings: config.Config) -> int:
    """Trains until `training.steps`, from the newest checkpoint if there is one.

    Ctrl-C and SIGTERM end it after the current step, with a checkpoint.

    Args:
        data: The set that the run was started with.
        out: The run folder that `start` made.
        settings: As saved in it; `training.steps` may be larger.

    Returns:
        The step that was reached.

    Raises:
        TrainingError: The data are not those of the run, or its checkpoint does not fit.
        OutputError: The disk is full; the last checkpoint stays whole.
    """
    _check_same_data(data, out)
    parts = read_parts(data, settings)
    run = state.State(settings, out / "checkpoints")
    if state.newest_step(out / "checkpoints") is not None:
        run.restore()
    log = runlog.RunLog(out)
    shown = parts["validation"] if len(parts["validation"]) else parts["train"]
    samples = pipeline.fixed(shown, settings, _SAMPLES)
    with _stop_requests() as stop:
        for report in _steps(run, parts["train"], settings):
            _write(run, log, samples, settings, report, last=bool(stop))
            if stop:
                break
    return int(run.steps)


def _steps(run, chosen, settings) -> Iterator[dict[str, float]]:
    """Yields the figures of each step, after it."""
    first, last = int(run.steps), settings.training.steps
    batches = iter(pipeline.batches(chosen, settings, first))
    bar = tqdm.tqdm(
        total=last, initial=first, desc="training", dynamic_ncols=True, unit="step", mininterval=1
    )
    with bar:
        before = time.perf_counter()
        for number in range(first, last):
            terms = run.trainer.step(next(batches), tf.constant(number, tf.int32))
            run.steps.assign_add(1)
            figures = {name: float(value) for name, value in terms.items()}
            now = time.perf_counter()
            figures["images_per_second"] = settings.training.batch / (now - before)
            before = now
            bar.set_postfix(_brief(figures), refresh=False)
            bar.update()
            yield figures


def _brief(figures):
    generator = sum(v for k, v in figures.items() if "ssim" in k or "adversarial" in k)
    judges = figures["whole_discriminator"] + figures["roi_discriminator"]
    rate = figures["images_per_second"]
    return {"G": f"{generator:.2f}", "D": f"{judges:.2f}", "images/s": f"{rate:.1f}"}


def _write(run, log, samples, settings, figures, last):
    """Writes what is due after a step; everything is due after the last one."""
    number, every = int(run.steps), settings.training
    last = last or number == every.steps
    if last or number % every.log_every == 0:
        log.report(number, figures | {"learning_rate": every.learning_rate})
    if last or number % every.sample_every == 0:
        log.sample(number, _sample_grid(run.trainer.networks.average, samples, settings))
    if last or number % every.checkpoint_every == 0:
        run.save()


def _sample_grid(painter, samples, settings) -> np.ndarray:
    synthetic = step.paint(painter, samples, settings, tf.constant(0))
    erased = inpainting.erase(samples["target"], samples["hole"])
    columns = [image.numpy() for image in (samples["target"], erased, synthetic)]
    return runlog.grid(columns, settings.data.window)


@contextlib.contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """Gives a list that Ctrl-C and SIGTERM fill, so that the loop can end between two steps."""
    requests: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {
        kind: signal.signal(kind, lambda number, _: requests.append(number)) for kind in kinds
    }
    try:
        yield requests
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _check_same_data(data, out):
    made_from = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    found, needed = files.sha256(data), made_from["data"]["sha256"]
    if found != needed:
        raise errors.TrainingError(
            f"{data}: SHA-256 is {found[:12]}, the run was started with {needed[:12]}; "
            "resume with the same file or start another run."
        )
