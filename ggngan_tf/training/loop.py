"""The loop around the step, and all its side effects: a run folder that can be resumed."""

import contextlib
import json
import pathlib
import signal
import threading
import time
import typing
from collections.abc import Iterator

import tensorflow as tf
import tqdm

from ggngan_tf import config, errors, files
from ggngan_tf.data import conditions, nodules, pipeline
from ggngan_tf.training import devices, memory, reports, runlog, state

_PATCH = 128  # pixels; larger images are whole slices


class Ended(typing.NamedTuple):
    """Where a run ended, and whether patience ended it."""

    step: int
    patience: bool


def start(data: pathlib.Path, out: pathlib.Path, settings: config.Config, force: bool) -> None:
    """Makes a run folder with its settings and provenance; `train` then fills it.

    What is left open is saved as what this machine and these data make of it, so that a resumed run
    keeps it: the precision `auto`, and the discriminators' first stride.

    Raises:
        OutputError: `out` holds something already and `force` is False.
        NoduleSetError: `data` is not a set, or no nodule fulfils the rule.
        TrainingError: No patient falls into the training part.
    """
    files.check_new(out, force)
    parts = read_parts(data, settings)
    settings = _settled(settings, parts["train"])
    with files.atomic_folder(out) as folder:
        config.save(settings, folder / "config.yaml")
        if settings.generator.conditions:
            known = conditions.table(parts["train"], settings, parts["others"])
            conditions.write(known, folder / conditions.FILE)
        made_from = runlog.provenance(data, settings, parts)
        text = json.dumps(made_from, indent=2) + "\n"
        (folder / "provenance.json").write_text(text, encoding="utf-8")


def _settled(settings, chosen):
    side = pipeline.image_size(*chosen.image.shape[1:3])
    stems = {"whole": 4 if side > _PATCH else 2, "roi": 2}
    changes = {
        name: judge.model_copy(update={"stem": judge.stem or stem})
        for name, stem in stems.items()
        for judge in [getattr(settings, name)]
    }
    precision = {"precision": devices.precision(settings.training.precision)}
    changes["training"] = settings.training.model_copy(update=precision)
    return settings.model_copy(update=changes)


def read_parts(data: pathlib.Path, settings: config.Config) -> dict[str, nodules.NoduleSet]:
    """Reads the set's ground glass nodules and splits them by patient.

    Returns:
        `train`, `validation`, `test`; and `others`, the nodules of training patients that the rule
        leaves out.

    Raises:
        NoduleSetError: `data` is not a set, or no nodule fulfils the rule.
        TrainingError: No patient falls into the training part.
    """
    whole = nodules.read(data)
    split = settings.data.split_seed, settings.data.fractions
    chosen = whole.select(settings.data.rule)
    parts = chosen.split(*split)
    if not len(parts["train"]):
        raise errors.TrainingError(
            f"{data}: none of {len(chosen)} nodules falls into the training part; "
            "set data.fractions=[1, 0, 0] or data.split_seed."
        )
    known = whole.split(*split)["train"]
    rest = ~nodules.ground_glass(known.texture, settings.data.rule)
    return parts | {"others": known.take(rest)}


def train(data: pathlib.Path, out: pathlib.Path, settings: config.Config) -> Ended:
    """Trains until `training.steps`, from the newest checkpoint if there is one.

    Ctrl-C and SIGTERM end it after the current step, with a checkpoint; so does
    `training.patience`, when validation finds no gain for so long.

    Args:
        data: The set that the run was started with.
        out: The run folder that `start` made.
        settings: As saved in it; `training.steps` may be larger.

    Returns:
        The step that was reached and whether patience ended the run there.

    Raises:
        TrainingError: The data are not those of the run, its checkpoint does not fit, or too many
            steps in a row gave figures that are not finite.
        OutputError: The disk is full; the last checkpoint stays whole.
    """
    _check_same_data(data, out)
    memory.keep()
    parts = read_parts(data, settings)
    strategy = devices.strategy(settings.training.devices)
    run = state.State(settings, out / "checkpoints", strategy)
    if state.newest_step(out / "checkpoints") is not None:
        run.restore()
    with _stop_requests() as stop, _failed_writes(out):
        past = runlog.read(out / "log.jsonl", int(run.steps))
        log = runlog.RunLog(out, int(run.steps)) if devices.is_chief(strategy) else None
        follow = reports.Reports(run, log, parts, settings, past)
        for figures in _steps(run, parts, settings):
            if not follow.after(figures, stop=bool(stop)):
                break
    return Ended(int(run.steps), follow.spent)


def _steps(run, parts, settings) -> Iterator[dict[str, float]]:
    """Yields the figures of each step, after it."""
    first, last = int(run.steps), settings.training.steps
    batches = iter(spread(run.trainer.strategy, parts, settings, first))
    freeze = settings.training.freeze_from * last
    bar = tqdm.tqdm(
        total=last, initial=first, desc="training", dynamic_ncols=True, unit="step", mininterval=1
    )
    in_a_row = 0
    with bar:
        before = time.perf_counter()
        for number in range(first, last):
            run.trainer.set_learning_rates(number)
            terms = run.trainer.step(
                next(batches), tf.constant(number, tf.int32), frozen=number >= freeze
            )
            run.steps.assign_add(1)
            figures = {name: float(value) for name, value in terms.items()}
            in_a_row = in_a_row + 1 if figures["skipped"] else 0
            _check_skips(in_a_row, number + 1, settings.training)
            now = time.perf_counter()
            figures["images_per_second"] = settings.training.batch / (now - before)
            before = now
            bar.set_postfix(_brief(figures), refresh=False)
            bar.update()
            yield figures


def spread(strategy, parts, settings, first):
    """Returns the batches of each step, one for each device where there are several."""
    chosen, others = parts["train"], parts.get("others")
    if strategy.num_replicas_in_sync == 1:
        return pipeline.batches(chosen, settings, first, others=others)
    return strategy.distribute_datasets_from_function(
        lambda share: pipeline.batches(chosen, settings, first, share, others)
    )


def _check_skips(in_a_row, number, settings):
    if in_a_row >= settings.skip_limit:
        raise errors.TrainingError(
            f"step {number}: {in_a_row} steps in a row gave losses or gradients that are not "
            "finite; none of them touched the weights, and the last checkpoint is sound: set "
            f"training.learning_rate below {settings.learning_rate:g} or training.precision="
            "float32 and go on with --resume."
        )


def _brief(figures):
    generator = sum(v for k, v in figures.items() if "ssim" in k or "adversarial" in k)
    judges = figures["whole_discriminator"] + figures["roi_discriminator"]
    rate = figures["images_per_second"]
    return {"G": f"{generator:.2f}", "D": f"{judges:.2f}", "images/s": f"{rate:.1f}"}


@contextlib.contextmanager
def _failed_writes(out):
    """Turns a full disk into a message; checkpoints have their own."""
    try:
        yield
    except OSError as error:
        raise errors.OutputError(
            f"{out}: cannot be written ({error.strerror or error}); the last checkpoint is whole: "
            "make room and go on with --resume."
        ) from error


@contextlib.contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """Gives a list that Ctrl-C and SIGTERM fill, so that the loop can end between two steps."""
    requests: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield requests  # a worker of a cluster: Python hands signals to the main thread alone
        return
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
