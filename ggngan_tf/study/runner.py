"""A study from settings to results: its folder, its tasks, the proof that nothing leaked."""

import json
import pathlib
import time
from typing import Any

import ggngan_tf
from ggngan_tf import errors, files
from ggngan_tf.study import cost, curves, engine, leakage, tasks
from ggngan_tf.study import settings as settings_


def run(
    study: settings_.Study,
    plan: cost.Plan,
    out: pathlib.Path,
    data: pathlib.Path,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    retries: int = engine.RETRIES,
) -> dict[str, Any]:
    """Does what is left of a study, and returns and writes its results; see `curves.collect`.

    Raises:
        ConfigError: The cluster does not answer.
        OutputError: The folder is of something else, cannot be written, or no classifier was done.
        TrainingError: A held-out patient's pixel was found where it must not be.
    """
    _claim(out)
    files.write_text(out / "config.yaml", settings_.dump(study))
    began = time.perf_counter()
    # Before and after, so that `study report` shows what there is of a study under way.
    _record(plan, out, data, engine.Outcome(), 0.0)
    outcome = engine.run(plan.tasks, out, data, jobs=jobs, scheduler=scheduler, retries=retries)
    _record(plan, out, data, outcome, time.perf_counter() - began)
    return results(out)


def _record(plan, out, data, outcome, seconds):
    made_from = {
        "ggngan_tf": ggngan_tf.__version__,
        "data": {"file": data.name, "sha256": plan.data_hash},
        "seconds": round(seconds, 1),
        "estimated_seconds": round(plan.seconds, 1),
        "tasks": [{"name": t.name, "folder": t.folder, "key": t.key} for t in plan.tasks],
        "done": len(outcome.done),
        "reused": len(outcome.reused),
        "failed": outcome.failed,
        "blocked": outcome.blocked,
        "tried_again": {name: n - 1 for name, n in outcome.tries.items() if n > 1},
    }
    files.write_text(out / "study.json", json.dumps(made_from, indent=1) + "\n")


def results(out: pathlib.Path) -> dict[str, Any]:
    """Returns and writes the results of what is done in a study's folder.

    Raises:
        OutputError: The folder holds no study, or no classifier of it is done.
        TrainingError: A held-out patient's pixel was found where it must not be.
    """
    study, made_from, graph = load(out)
    done = [task for task in graph if tasks.is_done(task, out)]
    found = curves.collect(study, graph, out)
    found["leakage"] = leakage.check(done, out)
    found["study"] = study.model_dump(mode="json")
    found["tasks"] = {k: v for k, v in made_from.items() if k != "tasks"}
    found["tasks"]["cpu_seconds"] = round(sum(_done(t, out)["cpu_seconds"] for t in done), 1)
    found["subsets"] = [_done(t, out) | t.settings for t in done if t.kind == "subset"]
    curves.write(found, out)
    return found


def load(out: pathlib.Path) -> tuple[settings_.Study, dict[str, Any], list[tasks.Task]]:
    """Returns the settings of the study in a folder, what it was made from, and its tasks.

    Raises:
        OutputError: The folder holds no study.
    """
    try:
        made_from = json.loads((out / "study.json").read_text(encoding="utf-8"))
        study = settings_.read(out / "config.yaml")
        return study, made_from, tasks.build(study, made_from["data"]["sha256"])
    except (OSError, ValueError, KeyError, errors.ConfigError) as error:
        raise errors.OutputError(
            f"{out}: holds no study; make one with `ggngan study run`."
        ) from error


def _done(task, out):
    return json.loads((out / task.folder / "done.json").read_text(encoding="utf-8"))


def _claim(out):
    """Refuses a folder with something else in it: a study goes on in its own."""
    if out.is_dir() and any(out.iterdir()) and not (out / "config.yaml").exists():
        raise errors.OutputError(
            f"{out}: holds something that is no study; name a new folder or that of the study."
        )
    out.mkdir(parents=True, exist_ok=True)
