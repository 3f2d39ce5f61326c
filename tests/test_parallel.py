import os
import signal

import pytest

from ggngan_tf import errors, parallel


def square(number):
    return number**2


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_items(jobs):
    assert list(parallel.run(square, [3, 1, 2], jobs=jobs)) == [9, 1, 4]


def die(number):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_a_clear_error():
    with pytest.raises(errors.ParallelError, match="run again with fewer --jobs"):
        list(parallel.run(die, [1, 2], jobs=2))


def test_a_dask_cluster_gives_the_same(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path)
    )
    with cluster:
        address = cluster.scheduler_address
        assert list(parallel.run(square, [3, 1, 2], scheduler=address)) == [9, 1, 4]


def test_a_scheduler_that_does_not_answer_is_a_clear_error(monkeypatch):
    distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")
    monkeypatch.setattr(distributed, "Client", _refuse)
    with pytest.raises(errors.ConfigError, match="no Dask scheduler answers there"):
        list(parallel.run(square, [1], scheduler="tcp://127.0.0.1:1"))


def _refuse(*args, **kwargs):
    raise OSError("Timed out")
