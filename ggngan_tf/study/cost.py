"""What a study will do and about how long that takes, before it does anything."""

import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from ggngan_tf import files
from ggngan_tf.study import settings as settings_
from ggngan_tf.study import tasks

# CPU seconds on one core with AVX2: 2.3 times those of AVX512, where two sizes of each network were
# measured (`cpu_seconds` in each done.json; of the larger GAN, the shipped run's steps a second).
# Tasks done in the same folder take their place.
_GAN_STEP = 0.11
_PER_GMAC = 0.075  # of a training step; forward, backward and both discriminators counted
_GAN_START = 25.0  # tracing, validation at the end, export
_PER_PAINTED = 0.08
_PER_COPIED = 0.04
_ADDED_START = 4.0  # shapes, loading the generator
_CLASSIFIER_START = 4.0  # tracing, shared by the classifiers of a worker, and scores
_CLASSIFIER_STEP = 0.02  # augmentation, and what a step costs whatever the network
_PER_PATCH_GMAC = 0.12
_OTHER = 2.0
_GGNS = 130  # of the whole training part of LIDC, where the set has not been looked into


@dataclasses.dataclass(frozen=True)
class Plan:
    """The tasks of a study and their cost.

    Attributes:
        tasks: In the order in which they may be done.
        data_hash: SHA-256 of the set.
        left: Names of the tasks that are not done yet.
        core_seconds: Estimated work of each task, by name.
        workers: How many work at a time.
        seconds: Estimated time until the end.
    """

    tasks: list[tasks.Task]
    data_hash: str
    left: list[str]
    core_seconds: dict[str, float]
    workers: int
    seconds: float

    def headline(self) -> str:
        """Returns one line: how much there is to do and how long it should take."""
        done = len(self.tasks) - len(self.left)
        return (
            f"{len(self.left)} tasks to do, {done} done before; about {_time(self.seconds)} "
            f"with {self.workers} {'worker' if self.workers == 1 else 'workers'} of a core each"
        )

    def text(self) -> str:
        """Returns the whole list for people."""
        lines = [f"{'task':42s} {'core time':>10s}  needs"]
        for task in self.tasks:
            cost = _time(self.core_seconds[task.name]) if task.name in self.left else "done"
            lines.append(f"{task.name:42s} {cost:>10s}  {', '.join(task.inputs.values())}")
        return "\n".join([*lines, self.headline()])

    def summary(self) -> dict[str, Any]:
        """Returns the same for machines."""
        return {
            "tasks": [
                {
                    "name": task.name,
                    "kind": task.kind,
                    "key": task.key,
                    "inputs": task.inputs,
                    "done": task.name not in self.left,
                    "core_seconds": round(self.core_seconds[task.name], 1),
                }
                for task in self.tasks
            ],
            "left": len(self.left),
            "workers": self.workers,
            "seconds": round(self.seconds, 1),
        }


def plan(
    study: settings_.Study,
    data: pathlib.Path,
    out: pathlib.Path,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
) -> Plan:
    """Returns what is to be done.

    Args:
        study: The settings.
        data: The set's file.
        out: The study's folder; what is done there tells how fast this machine is.
        jobs: Worker processes; -1: every core.
        scheduler: A cluster, whose size is asked for when the study runs; counted as `jobs`.

    Raises:
        ConfigError: The settings of the GAN are impossible.
    """
    data_hash = files.sha256(data)
    graph = tasks.build(study, data_hash)
    left = [task for task in graph if not tasks.is_done(task, out)]
    pace = _pace(graph, study, out)
    seconds = {task.name: _estimate(task, study) * pace.get(task.kind, 1.0) for task in graph}
    cores = os.cpu_count() or 1
    workers = cores if jobs == -1 or scheduler else min(jobs, cores)
    names = [task.name for task in left]
    return Plan(graph, data_hash, names, seconds, workers, _span(left, seconds, workers))


def _span(left: Sequence[tasks.Task], seconds: dict[str, float], workers: int) -> float:
    """No schedule ends before its longest chain, or before the work shared out equally."""
    ends: dict[str, float] = {}
    for task in left:
        before = max((ends.get(name, 0.0) for name in task.inputs.values()), default=0.0)
        ends[task.name] = before + seconds[task.name]
    shared = sum(seconds[task.name] for task in left) / workers
    return max(shared, max(ends.values(), default=0.0))


def _estimate(task, study):
    if task.kind == "gan":
        step = _GAN_STEP + _PER_GMAC * _gan_gmac(task.settings["gan"])
        return _GAN_START + _gan_steps(task, study) * step
    if task.kind in ("synthetic", "copy_paste"):
        each = _PER_PAINTED if task.kind == "synthetic" else _PER_COPIED
        return _ADDED_START + each * task.settings["most"] * _GGNS
    if task.kind == "classifier":
        how = study.classifier
        gmac = how.batch * _resnet_gmac(how.filters, how.blocks, 64)
        step = _CLASSIFIER_STEP + _PER_PATCH_GMAC * gmac
        return _CLASSIFIER_START + how.steps * step
    return _OTHER


def _gan_steps(task, study):
    warm = "before" in task.inputs
    return study.gan.more_steps if warm else task.settings["gan"]["training"]["steps"]


def _gan_gmac(made):
    """Multiplications of a step, 1e9: forward and backward are about three times forward."""
    side = made["data"]["side"] or 64
    filters, blocks = made["generator"]["filters"], made["generator"]["blocks"]
    scales = 3 * made["generator"]["noise_input"]  # of noise; `inpainting` needs TensorFlow
    seen = 1 + made["generator"]["mask_input"] + scales
    per_pixel = 81 * filters * (seen + 1) + 9 * filters**2 * (2 * blocks + 1)
    generator = side**2 * per_pixel / 1e9
    whole = _resnet_gmac(made["whole"]["filters"], made["whole"]["blocks"], side)
    roi = _resnet_gmac(made["roi"]["filters"], made["roi"]["blocks"], made["erase"]["roi_size"])
    return made["training"]["batch"] * 3 * (generator + 2 * (whole + roi))


def _resnet_gmac(filters, blocks, side):
    side //= 2
    total, before = 9 * side**2 * filters[0], filters[0]
    for stage, width in enumerate(filters):
        side = side // 2 if stage else side
        total += 9 * side**2 * width * (before + width + 2 * width * (blocks - 1))
        before = width
    return total / 1e9


def _pace(graph, study, out):
    """Returns how much slower than estimated each kind of task has been in this folder."""
    found: dict[str, list[tuple[float, float]]] = {}
    for task in graph:
        if tasks.is_done(task, out):
            done = json.loads((out / task.folder / "done.json").read_text(encoding="utf-8"))
            found.setdefault(task.kind, []).append((done["seconds"], _estimate(task, study)))
    return {k: sum(a for a, _ in v) / sum(b for _, b in v) for k, v in found.items()}


def _time(seconds):
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
