"""Curves of a training run, from its `log.jsonl`."""

import json
import pathlib

import numpy as np

from ggngan_tf import errors
from ggngan_tf.report import blocks, figures


def read(run: pathlib.Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns the steps, `(reports,)`, and every figure by name, NaN where a report lacks it.

    Steps that a resumed run went through again are taken from the last time.

    Raises:
        TrainingError: There is no log, or a line of it is not JSON.
    """
    path = run / "log.jsonl"
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise errors.TrainingError(
            f"{path}: cannot be read as a training log ({reason}); name a run folder."
        ) from error
    by_step = {line["step"]: line for line in lines if "step" in line}
    ordered = [by_step[step] for step in sorted(by_step)]
    names = {n: None for line in ordered for n, v in line.items() if _is_number(v) and n != "step"}
    series = {name: np.array([_number(line.get(name)) for line in ordered]) for name in names}
    return np.array(sorted(by_step)), series


def sections(run: pathlib.Path) -> list[blocks.Section]:
    """Returns the curves of a run as a section of a report; none for a log without figures.

    Raises:
        TrainingError: As `read`.
    """
    steps, series = read(run)
    if not series:
        return []
    caption = f"Every figure of the log over {steps.max():,} steps."
    return [blocks.Section("Training", [blocks.Figure(figures.training(steps, series), caption)])]


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value):
    return float(value) if _is_number(value) else np.nan
