"""What each kind of task does: from the folders of its inputs to its own, whole or not at all."""

import dataclasses
import functools
import hashlib
import json
import pathlib
import shutil
import threading
import time
from typing import Any

import numpy as np

from ggngan_tf import config, files, quiet
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.study import patch, splitting, tasks
from ggngan_tf.study import settings as settings_

# Classifiers of a process share a graph and its weights; a Dask worker may have several threads.
_ONE_AT_A_TIME = threading.Lock()
_WITHOUT_TENSORFLOW = ("subset", "held")


@dataclasses.dataclass(frozen=True)
class Job:
    """A task and where things are: all that a worker needs to be told.

    Attributes:
        task: What to do.
        inputs: Folders of its inputs, relative to `out`, by what they are to it.
        out: The study's folder; every worker sees the same one.
        data: The set's file.
    """

    task: tasks.Task
    inputs: dict[str, str]
    out: pathlib.Path
    data: pathlib.Path

    def input(self, role: str) -> pathlib.Path:
        """Returns the folder of an input."""
        return self.out / self.inputs[role]


def perform(job: Job) -> dict[str, Any]:
    """Does a task and returns what its `done.json` says: key, seconds, and figures of its kind."""
    with _ONE_AT_A_TIME:
        began, cpu = time.perf_counter(), time.process_time()
        if job.task.kind not in _WITHOUT_TENSORFLOW:
            quiet.load_tensorflow()
        with files.atomic_folder(job.out / job.task.folder) as folder:
            figures = _KINDS[job.task.kind](job, folder)
            done = {
                "name": job.task.name,
                "kind": job.task.kind,
                "key": job.task.key,
                "seconds": round(time.perf_counter() - began, 2),
                "cpu_seconds": round(time.process_time() - cpu, 2),
                "figures": figures,
            }
            _write_json(folder / "done.json", done)
        return done


def _subset(job, folder):
    made, source = job.task.settings, nodules_.read(job.data)
    study = _study(made)
    patients = splitting.subset(source, study, made["percentage"], made["seed"])
    return _write_rows(source, patients, study.rule, folder)


def _held(job, folder):
    made, source = job.task.settings, nodules_.read(job.data)
    study = _study(made)
    patients = getattr(splitting.split(source, study), made["part"])
    return _write_rows(source, patients, study.rule, folder)


def _gan(job, folder):
    from ggngan_tf.study import gans

    made = config.Config.model_validate(_tuples(job.task.settings["gan"]))
    chosen = _read(job.input("subset"))
    if not made.data.others:  # a recipe that learns from other textures gets the whole subset
        chosen = chosen.select(job.task.settings["rule"])
    ggns = int(nodules_.ground_glass(chosen.texture, job.task.settings["rule"]).sum())
    before = job.input("before") if "before" in job.inputs else None
    run = job.out / "runs" / pathlib.Path(job.task.folder).name
    version = gans.train(chosen, run, made, before)
    shutil.copytree(version, folder / "model" / "1")
    shutil.copytree(run, folder / "run", ignore=shutil.ignore_patterns("tensorboard", "*.h5"))
    shutil.rmtree(run)
    _lineage(folder, chosen)
    return {"ggns": ggns, "others": len(chosen) - ggns, "steps": made.training.steps}


def _synthetic(job, folder):
    from ggngan_tf.study import adding
    from ggngan_tf.synthesis import saved

    made, subset = job.task.settings, _read(job.input("subset"))
    labels = nodules_.ground_glass(subset.texture, made["rule"])
    how = settings_.Synthesis.model_validate(made["synthesis"])
    model = saved.load(job.input("gan") / "model")
    count = round(made["most"] * int(labels.sum()))
    added = adding.painted(subset, labels, model, how, count, made["seed"])
    return _write_added(added, subset, folder)


def _copy_paste(job, folder):
    from ggngan_tf.study import adding

    made, subset = job.task.settings, _read(job.input("subset"))
    labels = nodules_.ground_glass(subset.texture, made["rule"])
    count = round(made["most"] * int(labels.sum()))
    tries = settings_.Synthesis().tries
    added = adding.copied(subset, labels, tries, count, made["seed"])
    return _write_added(added, subset, folder)


def _classifier(job, folder):
    from ggngan_tf.study import trial

    made = job.task.settings
    sets = {role: _read(job.input(role)) for role in ("subset", "validation", "test")}
    added = _read(job.input("added")) if "added" in job.inputs else None
    how = settings_.Classifier.model_validate(_tuples(made["classifier"]))
    found = trial.run(
        sets["subset"],
        sets["validation"],
        sets["test"],
        added,
        how=how,
        rule=made["rule"],
        window=tuple(made["window"]),
        ratio=made["ratio"],
        balance=made["balance"],
        seed=made["seed"],
    )
    np.savez_compressed(folder / "weights.npz", *found.weights)
    np.savez_compressed(folder / "scores.npz", **found.scores)
    _lineage(folder, sets["subset"], *([] if added is None else [added]))
    return found.figures


_KINDS = {
    "subset": _subset,
    "held": _held,
    "gan": _gan,
    "synthetic": _synthetic,
    "copy_paste": _copy_paste,
    "classifier": _classifier,
}


def pixel_hashes(nodules: nodules_.NoduleSet) -> list[str]:
    """Returns the SHA-256 of each row's image."""
    return [hashlib.sha256(np.ascontiguousarray(image)).hexdigest() for image in nodules.image]


def _write_rows(source, patients, rule, folder):
    chosen = patch.cut(source.take(splitting.rows(source, patients)))
    nodules_.write(chosen, folder / "set.h5")
    _lineage(folder, chosen)
    labels = nodules_.ground_glass(chosen.texture, rule)
    return {"patients": len(patients), "nodules": len(chosen), "ggns": int(labels.sum())}


def _write_added(added, subset, folder):
    nodules_.write(added, folder / "set.h5")
    _lineage(folder, subset)
    return {"added": len(added)}


def _lineage(folder, *sets):
    """Records whose pixels a task has read, for `leakage.check`."""
    patients = sorted({str(name) for one in sets for name in one.patients()})
    pixels = sorted({digest for one in sets for digest in pixel_hashes(one)})
    _write_json(folder / "lineage.json", {"patients": patients, "pixels": pixels})


@functools.lru_cache(maxsize=4)
def _read(folder):
    return nodules_.read(folder / "set.h5")


def _study(made):
    return settings_.Study.model_validate({"rule": made["rule"], "split": made["split"]})


def _tuples(values):
    """Returns settings that went through JSON with tuples where it has lists."""
    if isinstance(values, dict):
        return {name: _tuples(value) for name, value in values.items()}
    return tuple(_tuples(value) for value in values) if isinstance(values, list) else values


def _write_json(path, values):
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
