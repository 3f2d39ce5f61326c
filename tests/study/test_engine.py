import json
import pathlib

import pytest

from ggngan_tf import errors
from ggngan_tf.study import engine, tasks
from tests.study import fakes, made

GRAPH = tasks.build(made.study(), "0" * 64)
DATA = pathlib.Path("set.h5")


def run(out, **how):
    return engine.run(GRAPH, out, DATA, perform=fakes.perform, **how)


def test_every_task_is_done_once_and_after_its_inputs(tmp_path):
    outcome = run(tmp_path)
    begun = fakes.begun(tmp_path)
    assert sorted(begun) == sorted(task.name for task in GRAPH)
    assert begun.index("gan-100-s0") < begun.index("classifier-050-s0-real")
    for task in GRAPH:
        assert outcome.done[task.name]["found"] == sorted(task.inputs.values())


def test_what_is_done_is_not_done_again(tmp_path):
    run(tmp_path)
    outcome = run(tmp_path)
    assert len(outcome.reused) == len(GRAPH) and not outcome.done
    assert len(fakes.begun(tmp_path)) == len(GRAPH)


def test_a_task_whose_outputs_are_gone_is_done_again_alone(tmp_path):
    run(tmp_path)
    (tmp_path / GRAPH[3].folder / "done.json").unlink()
    assert list(run(tmp_path).done) == [GRAPH[3].name]


def test_a_task_that_fails_is_tried_twice_more(tmp_path):
    fakes.ask(tmp_path, "fail", "gan-050-s0", 2)
    outcome = run(tmp_path)
    assert outcome.tries["gan-050-s0"] == 3
    assert not outcome.failed and not (tmp_path / "failures.json").exists()


def test_a_task_that_fails_for_good_is_listed_and_blocks_only_what_needs_it(tmp_path):
    fakes.ask(tmp_path, "fail", "gan-050-s0", 99)
    outcome = run(tmp_path, retries=1)
    assert outcome.failed == {"gan-050-s0": "no luck"}
    assert outcome.blocked == ["classifier-050-s0-synthetic", "synthetic-050-s0"]
    assert len(outcome.done) == len(GRAPH) - 3
    listed = json.loads((tmp_path / "failures.json").read_text())
    assert listed == {"failed": outcome.failed, "blocked": outcome.blocked}
    fakes.ask(tmp_path, "fail", "gan-050-s0", 0)
    assert sorted(run(tmp_path).done) == sorted([*outcome.blocked, "gan-050-s0"])
    assert not (tmp_path / "failures.json").exists()


def test_a_killed_process_is_replaced_and_its_tasks_tried_again(tmp_path):
    fakes.ask(tmp_path, "kill", "subset-100-s0", 1)
    outcome = run(tmp_path, jobs=2)
    assert not outcome.failed and len(outcome.done) == len(GRAPH)
    assert outcome.tries["subset-100-s0"] == 2


def test_a_worker_of_a_cluster_is_killed_in_the_middle_and_the_study_ends_well(tmp_path):
    distributed = pytest.importorskip("distributed")
    fakes.ask(tmp_path, "kill", "classifier-050-s0-real", 1)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        outcome = run(tmp_path, scheduler=cluster.scheduler_address)
    assert not outcome.failed and not outcome.blocked
    assert len(outcome.done) == len(GRAPH)
    assert fakes.begun(tmp_path).count("classifier-050-s0-real") == 2
    for task in GRAPH:
        assert outcome.done[task.name]["found"] == sorted(task.inputs.values())


def test_a_scheduler_that_does_not_answer_is_named(tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(errors.ConfigError, match=r"tcp://127.0.0.1:9: no Dask scheduler answers"):
        run(tmp_path, scheduler="tcp://127.0.0.1:9")
