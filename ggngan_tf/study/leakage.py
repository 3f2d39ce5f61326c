"""Proves that no held-out patient's pixel has reached a GAN, an added nodule or a classifier."""

import itertools
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from ggngan_tf import errors
from ggngan_tf.study import tasks

_HELD = ("validation", "test")


def check(graph: Sequence[tasks.Task], out: pathlib.Path) -> dict[str, Any]:
    """Compares patients and pixel hashes that each task read with those held out.

    Every task of the graph that reads pixels to learn or paint from has left a `lineage.json`.
    Subsets of one seed must lie within one another.

    Returns:
        How many tasks, patients and images were compared.

    Raises:
        TrainingError: A patient or an image is where it must not be, or a subset is not nested.
    """
    read = {task.name: _lineage(task, out) for task in graph}
    held = {name: read[name] for name in _HELD}
    checked = [task for task in graph if task.name not in _HELD]
    for task in checked:
        for part, theirs in held.items():
            for kind in ("patients", "pixels"):
                both = sorted(read[task.name][kind] & theirs[kind])
                if both:
                    raise errors.TrainingError(
                        f"{task.name}: {len(both)} of its {kind} are in the {part} part, such as "
                        f"{both[0][:40]!r}; the study is void. Name the patients of the set so "
                        "that each has one name, and run it anew."
                    )
    _check_nested(graph, read)
    pixels = set().union(*(read[task.name]["pixels"] for task in checked))
    return {
        "tasks": len(checked),
        "images": len(pixels),
        "held_out_patients": len(held["validation"]["patients"] | held["test"]["patients"]),
        "held_out_images": len(held["validation"]["pixels"] | held["test"]["pixels"]),
        "shared": 0,
    }


def _check_nested(graph, read):
    by_seed: dict[int, list[tasks.Task]] = {}
    for task in graph:
        if task.kind == "subset":
            by_seed.setdefault(task.settings["seed"], []).append(task)
    for row in by_seed.values():
        row.sort(key=lambda task: task.settings["percentage"])
        for smaller, larger in itertools.pairwise(row):
            if not read[smaller.name]["patients"] <= read[larger.name]["patients"]:
                raise errors.TrainingError(f"{smaller.name} does not lie within {larger.name}.")


def _lineage(task, out):
    found = json.loads((out / task.folder / "lineage.json").read_text(encoding="utf-8"))
    return {kind: set(found[kind]) for kind in ("patients", "pixels")}
