"""What is due after a step: a log line, samples, validation, checkpoints; and whether to go on."""

import math
import sys

import numpy as np
import tensorflow as tf
import tqdm

from ggngan_tf import config, inpainting
from ggngan_tf.data import nodules, pipeline
from ggngan_tf.training import painting, runlog, state, validation

_SAMPLES = 6  # nodules in a sample grid
FIGURE = "validation_frechet"  # what picks the best checkpoint; lower is better
_FLOOR = "validation_floor"  # what real nodules score; figures below it tell nothing apart


class Reports:
    """Follows a run and writes what people look at.

    Of several workers each validates, so that all end at the same step, and the chief alone writes
    (`log` is None for the others). `past` are the lines that the run has logged before.
    """

    def __init__(
        self,
        run: state.State,
        log: runlog.RunLog | None,
        parts: dict[str, nodules.NoduleSet],
        settings: config.Config,
        past: list[dict[str, float]],
    ):
        self.run, self.log, self.settings = run, log, settings
        shown = parts["validation"] if len(parts["validation"]) else parts["train"]
        self.samples = pipeline.fixed(shown, settings, _SAMPLES)
        chosen = validation.choose(parts, settings)
        self.judge = validation.Judge(chosen, settings) if chosen.judged else None
        say(f"judging by {chosen.remark}" if chosen.judged else chosen.remark)
        past = [_level(line) for line in past if line.get(FIGURE) is not None]
        self.best = min(past, default=math.inf)
        self.since = len(past) - 1 - past.index(self.best) if past else 0
        self.skipped = 0
        self.spent = False  # whether patience has ended the run

    def after(self, figures: dict[str, float], stop: bool) -> bool:
        """Writes what is due and returns whether the run should go on."""
        number, every = int(self.run.steps), self.settings.training
        self.skipped += int(figures["skipped"])
        ended = number == every.steps
        judged = self._validate() if ended or number % every.validate_every == 0 else {}
        self.spent = bool(judged) and 0 < every.patience <= self.since
        last = stop or ended or self.spent
        if self.log:
            self._write(number, figures | judged, last)
        return not last

    def _validate(self) -> dict[str, float]:
        """Returns the judge's figures; a checkpoint that none before surpassed is kept as the best.

        Of those that are below the floor that is the newest: it was trained for longest.
        """
        if self.judge is None:
            return {}
        networks = self.run.trainer.networks
        found = self.judge.figures(networks.average)
        figures = {f"validation_{name}": value for name, value in found.items()}
        if self.settings.training.averaging:
            raw = self.judge.figures(networks.generator)
            figures |= {f"validation_raw_{name}": raw[name] for name in ("frechet", "differing")}
        self.since += 1
        level = _level(figures)
        if self.log and level <= self.best:
            self.run.save_best()
        if level < self.best:
            self.best, self.since = level, 0
        return figures

    def _write(self, number, figures, last):
        """Logs before it saves: a run killed in between logs the step again, and only once."""
        every = self.settings.training
        if last or FIGURE in figures or number % every.log_every == 0:
            line = figures | {"skipped": self.skipped, "learning_rate": every.learning_rate}
            self.log.report(number, line)
            self.skipped = 0
        if last or number % every.sample_every == 0:
            self.log.sample(number, self._grid())
        if last or number % every.checkpoint_every == 0:
            self.run.save()

    def _grid(self) -> np.ndarray:
        average = self.run.trainer.networks.average
        synthetic = painting.paint(average, self.samples, self.settings, tf.constant(0))
        erased = inpainting.erase(self.samples["target"], self.samples["hole"])
        columns = [image.numpy() for image in (self.samples["target"], erased, synthetic)]
        return runlog.grid(columns, self.settings.data.window)


def _level(figures):
    return max(figures[FIGURE], figures.get(_FLOOR) or 0.0)


def say(text: str) -> None:
    """Prints a remark beside the progress bar."""
    tqdm.tqdm.write(text, file=sys.stderr)
