"""Stands in for `work.perform`: tasks that write a word, fail or kill their worker."""

import json
import os
import pathlib
import signal

from ggngan_tf import errors
from ggngan_tf.study import work


def perform(job: work.Job) -> dict:
    """Writes the names of the inputs that it found done; obeys files `fail-NAME`, `kill-NAME`.

    Such a file holds how often to do so still.
    """
    with (job.out / "log").open("a") as log:
        log.write(f"{job.task.name}\n")
    if _still(job.out / f"fail-{job.task.name}"):
        raise errors.TrainingError("no luck")
    if _still(job.out / f"kill-{job.task.name}"):
        os.kill(os.getpid(), signal.SIGKILL)
    found = [
        json.loads((job.out / f / "done.json").read_text())["name"] for f in job.inputs.values()
    ]
    folder = job.out / job.task.folder
    folder.mkdir(parents=True, exist_ok=True)
    done = {"key": job.task.key, "name": job.task.name, "found": sorted(found)}
    (folder / "done.json").write_text(json.dumps(done))
    return done


def ask(out: pathlib.Path, what: str, name: str, times: int) -> None:
    (out / f"{what}-{name}").write_text(str(times))


def begun(out: pathlib.Path) -> list[str]:
    return (out / "log").read_text().split() if (out / "log").exists() else []


def _still(path):
    left = int(path.read_text()) if path.exists() else 0
    if left:
        path.write_text(str(left - 1))
    return left > 0
