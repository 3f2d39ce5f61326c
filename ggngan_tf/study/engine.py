"""Runs a graph of tasks, each as soon as its inputs are there: in processes or on a Dask cluster.

Nothing is kept in memory between tasks: what is done lies in the study's folder, and a run that
is interrupted, or loses a worker, goes on from there.
"""

import concurrent.futures
import contextlib
import dataclasses
import json
import multiprocessing
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import process
from typing import Any

import tqdm

from ggngan_tf import errors, files
from ggngan_tf.study import tasks, work

RETRIES = 2  # after the first try; ours
Perform = Callable[[work.Job], dict[str, Any]]


@dataclasses.dataclass
class Outcome:
    """How a run went.

    Attributes:
        done: Tasks done in this run, by name: what `work.perform` returned.
        reused: Names of tasks that were done before.
        failed: The last error of each task that failed too often, by name.
        blocked: Names of tasks that wait for a failed one.
        tries: How often each task was begun.
    """

    done: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    reused: list[str] = dataclasses.field(default_factory=list)
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    blocked: list[str] = dataclasses.field(default_factory=list)
    tries: dict[str, int] = dataclasses.field(default_factory=dict)


def run(
    graph: Sequence[tasks.Task],
    out: pathlib.Path,
    data: pathlib.Path,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    retries: int = RETRIES,
    perform: Perform = work.perform,
) -> Outcome:
    """Does every task of `graph` that is not done, and tries again what fails.

    A task that fails `1 + retries` times is listed with its error; what needs it is left undone,
    and everything else is done. `out/failures.json` lists both while there are any.

    Args:
        graph: As `tasks.build` returns it.
        out: The study's folder; on a cluster a path that every worker sees.
        data: The set's file, likewise.
        jobs: Worker processes; 1 works in this one, -1 takes every core.
        scheduler: Address of a Dask scheduler; takes the place of `jobs`.
        retries: How often a failed task is tried again.
        perform: Does one task.

    Raises:
        ConfigError: `scheduler` is given and does not answer, or Dask is not installed.
    """
    jobs = os.cpu_count() or 1 if jobs == -1 else jobs
    outcome = Outcome(reused=[task.name for task in graph if tasks.is_done(task, out)])
    # What most others wait for comes first, so that no chain of GANs is left for the end.
    heavy = tasks.waiting_for(graph)
    ordered = sorted(graph, key=lambda task: -heavy[task.name])
    waiting = {task.name: task for task in ordered if task.name not in outcome.reused}
    folders = {task.name: task.folder for task in graph}
    pool = _Pool(jobs, scheduler)
    bar = tqdm.tqdm(
        total=len(graph), initial=len(outcome.reused), desc="study", unit="task", delay=2
    )
    running: dict[concurrent.futures.Future, tasks.Task] = {}
    with contextlib.closing(pool), bar:
        while True:
            finished = set(outcome.reused) | set(outcome.done)
            for task in _ready(waiting, running, finished, pool.width):
                inputs = {role: folders[name] for role, name in task.inputs.items()}
                outcome.tries[task.name] = outcome.tries.get(task.name, 0) + 1
                running[pool.submit(perform, work.Job(task, inputs, out, data))] = task
            if not running:
                break
            bar.set_postfix_str(", ".join(task.name for task in running.values())[:60])
            for future in _finished(running):
                task = running.pop(future)
                error = _error(future)
                if error is None:
                    outcome.done[task.name] = future.result()
                    del waiting[task.name]
                    bar.update()
                elif outcome.tries[task.name] > retries:
                    outcome.failed[task.name] = error
                    del waiting[task.name]
                    _say(f"{task.name}: failed for good: {error}")
                else:
                    _say(f"{task.name}: {error}; trying again")
    outcome.blocked = sorted(waiting)
    _write_failures(out, outcome)
    return outcome


def _ready(waiting, running, finished, width) -> Iterator[tasks.Task]:
    """Yields as many tasks as there is room for, those in their order whose inputs are done."""
    busy = {task.name for task in running.values()}
    room = width - len(running)
    for task in list(waiting.values()):
        if room <= 0:
            return
        if task.name not in busy and set(task.inputs.values()) <= finished:
            room -= 1
            yield task


def _finished(running):
    done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
    return done


def _error(future):
    error = future.exception()
    if error is None:
        return None
    if isinstance(error, KeyboardInterrupt):
        raise error
    if isinstance(error, process.BrokenProcessPool):
        return "its worker was killed, most often for want of memory"
    text = str(error).strip().splitlines()
    kind = "" if isinstance(error, errors.GgnganError) else f"{type(error).__name__}: "
    return kind + (text[0] if text else "no message")


class _Pool:
    """Takes jobs: in this process, in others, or on a cluster."""

    def __init__(self, jobs, scheduler):
        self.jobs, self.client, self.executor = jobs, None, None
        if scheduler:
            self.client = _client(scheduler)
            # Twice the workers, so that none idles while the next task is on its way.
            self.width = 2 * max(1, len(self.client.scheduler_info()["workers"]))
        else:
            self.width = jobs

    def submit(self, perform, job):
        if self.client is not None:
            return self._on_cluster(perform, job)
        if self.jobs == 1:
            return _here(perform, job)
        try:
            return self._processes().submit(perform, job)
        except process.BrokenProcessPool:  # a worker died since the last task was handed in
            self.executor = None
            return self._processes().submit(perform, job)

    def close(self):
        if self.executor is not None:
            # After an error or Ctrl-C what has not begun is dropped; Dask's does so by itself.
            self.executor.shutdown(**({} if self.client else {"cancel_futures": True}))
        if self.client is not None:
            self.client.close()

    def _processes(self):
        if self.executor is None:
            self.executor = concurrent.futures.ProcessPoolExecutor(
                self.jobs,
                mp_context=multiprocessing.get_context("spawn"),  # TensorFlow does not survive fork
                initializer=_share_cores,
                initargs=(max(1, (os.cpu_count() or 1) // self.jobs),),
            )
        return self.executor

    def _on_cluster(self, perform, job):
        if self.executor is None:
            # Dask itself hands a task of a lost worker to another one, up to 3 times.
            self.executor = self.client.get_executor(pure=False)
        return self.executor.submit(perform, job)


def _here(perform, job):
    future: concurrent.futures.Future = concurrent.futures.Future()
    try:
        future.set_result(perform(job))
    except Exception as error:  # like a worker's: listed, and tried again
        future.set_exception(error)
    return future


def _share_cores(threads):
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, str(threads))
    os.environ["TQDM_DISABLE"] = "1"  # one bar for the study, none for each of its trainings


def _client(scheduler):
    try:
        import distributed  # optional: the extra `cluster`
    except ImportError as error:
        message = 'a Dask scheduler needs the extra: pip install "ggngan_tf[cluster]".'
        raise errors.ConfigError(f"--scheduler {scheduler}: {message}") from error
    try:
        return distributed.Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        message = "no Dask scheduler answers there; start one or drop the option."
        raise errors.ConfigError(f"--scheduler {scheduler}: {message}") from error


def _write_failures(out, outcome):
    path = out / "failures.json"
    if outcome.failed or outcome.blocked:
        found = {"failed": outcome.failed, "blocked": outcome.blocked}
        files.write_text(path, json.dumps(found, indent=2) + "\n")
    else:
        path.unlink(missing_ok=True)


def _say(text):
    tqdm.tqdm.write(text, file=sys.stderr)
