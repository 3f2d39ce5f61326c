"""The study as a graph of tasks: what each needs, what it makes, and a hash of all that decides it.

A task's key is the SHA-256 of its kind, its settings, the version of its code and the keys of its
inputs, down to the pixels of the set. A task is done when its folder, which bears the key, has
its `done.json`; so a study goes on where it was, and a changed setting makes new keys for what
depends on it and for nothing else.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from ggngan_tf import settings_file
from ggngan_tf.study import settings as settings_

# Raised when the code of a kind changes what it makes, so that it is made anew.
VERSIONS = {"subset": 1, "held": 1, "gan": 2, "synthetic": 1, "copy_paste": 1, "classifier": 1}
# Arm: how its classes are balanced; and which kind of task makes the GGNs that it adds.
BALANCE = {"weighted": "weights", "oversampled": "sampling", "synthetic_oversampled": "sampling"}
ADDED = {
    "synthetic": "synthetic",
    "synthetic_oversampled": "synthetic",
    "copy_paste": "copy_paste",
}


@dataclasses.dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes:
        name: Unique in a study, such as `gan-050-s1`.
        kind: Which function of `work` does it.
        settings: Of JSON's types; all that it is made from beside its inputs.
        inputs: Names of the tasks whose folders it reads, by what they are to it.
        key: See the module.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    inputs: dict[str, str]
    key: str

    @property
    def folder(self) -> str:
        """The folder of its outputs, relative to that of the study."""
        return f"tasks/{self.name}-{self.key[:12]}"


def build(study: settings_.Study, data_hash: str) -> list[Task]:
    """Returns the tasks of a study, each after those that it needs.

    Args:
        study: The settings.
        data_hash: SHA-256 of the set's file.
    """
    graph = _Graph(data_hash)
    split = _picked(study, "rule", "split")
    graph.add("validation", "held", split | {"part": "validation"})
    graph.add("test", "held", split | {"part": "test"})
    for order in sorted({study.order(seed) for seed in range(study.seeds)}):
        before = None
        for rank, percentage in enumerate(study.percentages):
            tag = label(percentage, order)
            subset = split | {"percentage": percentage, "seed": order}
            graph.add(f"subset-{tag}", "subset", subset)
            before = _gan(graph, study, order, rank, tag, before)
    for seed in range(study.seeds):
        for percentage in study.percentages:
            _classifiers(graph, study, seed, percentage)
    return graph.tasks


def label(percentage: float, seed: int) -> str:
    """Returns what marks the tasks of one subset, such as `050-s1` or `012.5-s0`."""
    whole = f"{percentage:05.1f}".removesuffix(".0")
    return f"{whole}-s{seed}"


def waiting_for(tasks: Sequence[Task]) -> dict[str, int]:
    """Returns how many tasks wait for each, directly or not, by name."""
    found: dict[str, set[str]] = {task.name: set() for task in tasks}
    for task in reversed(tasks):
        for name in task.inputs.values():
            found[name] |= {task.name} | found[task.name]
    return {name: len(others) for name, others in found.items()}


def is_done(task: Task, out: pathlib.Path) -> bool:
    """Returns whether a study's folder holds a task's outputs, whole and of this key."""
    try:
        done = json.loads((out / task.folder / "done.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(done, dict) and done.get("key") == task.key


def arms(study: settings_.Study) -> Iterator[tuple[str, str, float]]:
    """Yields each arm's name, kind and ratio of added to real GGNs; `synthetic@2` for ratio 2.

    The first of several ratios is plain `synthetic`.
    """
    for arm in study.arms:
        if arm not in ADDED:
            yield arm, arm, 0.0
            continue
        for number, ratio in enumerate(study.synthesis.ratios):
            yield arm if number == 0 else f"{arm}@{ratio:g}", arm, ratio


class _Graph:
    def __init__(self, data_hash):
        self.data_hash, self.tasks, self.keys = data_hash, [], {}

    def add(self, name, kind, settings, inputs=None):
        inputs = inputs or {}
        made_from = {
            "kind": kind,
            "version": VERSIONS[kind],
            "settings": settings,
            "inputs": {role: self.keys[task] for role, task in inputs.items()},
        }
        if kind in ("subset", "held"):
            made_from["data"] = self.data_hash
        text = json.dumps(made_from, sort_keys=True, default=str)
        key = hashlib.sha256(text.encode()).hexdigest()
        self.keys[name] = key
        self.tasks.append(Task(name, kind, settings, inputs, key))
        return name


def _picked(study: settings_file.Frozen, *names: str) -> dict[str, Any]:
    """Returns some of the settings, as JSON knows them."""
    return study.model_dump(mode="json", include=set(names))


def _gan(graph, study, seed, rank, tag, before):
    kinds = {ADDED[arm] for arm in study.arms if arm in ADDED}
    subset = {"subset": f"subset-{tag}"}
    most = {"most": max(study.synthesis.ratios), "seed": seed}
    if "copy_paste" in kinds:
        graph.add(f"copy_paste-{tag}", "copy_paste", _picked(study, "rule") | most, subset)
    if "synthetic" not in kinds:
        return None
    warm = study.gan.more_steps > 0
    steps = study.gan.steps + (rank * study.gan.more_steps if warm else 0)
    made = settings_.gan(study, seed, steps).model_dump(mode="json")
    inputs = subset | ({"before": before} if before and warm else {})
    gan = graph.add(f"gan-{tag}", "gan", _picked(study, "rule") | {"gan": made}, inputs)
    own = _picked(study, "rule", "synthesis") | most
    own["synthesis"].pop("ratios")
    graph.add(f"synthetic-{tag}", "synthetic", own, subset | {"gan": gan})
    return gan


def _classifiers(graph, study, seed, percentage):
    tag = label(percentage, study.order(seed))
    for arm, kind, ratio in arms(study):
        settings = _picked(study, "rule", "window", "classifier") | {
            "arm": arm,
            "balance": BALANCE.get(kind, "none"),
            "ratio": ratio,
            "seed": seed,
        }
        if kind == "plain":
            settings["classifier"]["augmentation"] = settings_.NONE.model_dump(mode="json")
        inputs = {"subset": f"subset-{tag}", "validation": "validation", "test": "test"}
        if kind in ADDED:
            inputs["added"] = f"{ADDED[kind]}-{tag}"
        name = f"classifier-{label(percentage, seed)}-{arm}"
        graph.add(name, "classifier", settings, inputs)
