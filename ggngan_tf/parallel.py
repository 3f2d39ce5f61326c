"""Spreads independent work over processes (joblib) or over a Dask cluster."""

import concurrent.futures
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import joblib
import tqdm

from ggngan_tf import errors

Item = TypeVar("Item")
Result = TypeVar("Result")


def run(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    label: str = "",
) -> Iterator[Result]:
    """Yields `function(item)` for each of `items`, in their order, as soon as each is done.

    Args:
        function: A function of one argument that can be pickled; it handles bad input itself.
        items: What to call it with.
        jobs: Worker processes; 1 works in this process, -1 takes every core.
        scheduler: Address of a Dask scheduler (`tcp://host:8786`); takes the place of `jobs`.
        label: What the progress bar on stderr says.

    Raises:
        ConfigError: `scheduler` is given and does not answer, or Dask is not installed.
        ParallelError: A worker was killed, most often for want of memory.
    """
    results = _on_cluster(function, items, scheduler) if scheduler else _here(function, items, jobs)
    return iter(tqdm.tqdm(results, total=len(items), desc=label, delay=2, dynamic_ncols=True))


def _here(function, items, jobs):
    if jobs == 1:
        return map(function, items)
    return _in_processes(function, items, jobs)


def _in_processes(function, items, jobs):
    workers = joblib.Parallel(n_jobs=jobs, return_as="generator")
    try:
        yield from workers(joblib.delayed(function)(item) for item in items)
    except concurrent.futures.BrokenExecutor as error:
        raise errors.ParallelError(
            "a worker process was killed, most often for want of memory; "
            "run again with fewer --jobs."
        ) from error


def _on_cluster(function, items, scheduler):
    try:
        import distributed  # optional: the extra `cluster`
    except ImportError as error:
        message = 'a Dask scheduler needs the extra: pip install "ggngan_tf[cluster]".'
        raise errors.ConfigError(f"--scheduler {scheduler}: {message}") from error
    try:
        client = distributed.Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        message = "no Dask scheduler answers there; start one or drop the option."
        raise errors.ConfigError(f"--scheduler {scheduler}: {message}") from error
    with client:
        for future in client.map(function, items, pure=False):
            try:
                result = future.result()
            except distributed.KilledWorker as error:
                raise errors.ParallelError(
                    f"--scheduler {scheduler}: a worker died on the same work again and again, "
                    "most often for want of memory; give the workers more."
                ) from error
            yield result
            future.release()
