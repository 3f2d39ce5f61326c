import json
import multiprocessing
import resource
import time

import numpy as np
import pytest
import yaml

from ggngan_tf import config, errors
from ggngan_tf.training import runlog, state
from tests.training.test_step import tiny


def fill(run, number):
    """Gives every variable the value of its step, so that a mixture of two would show."""
    run.steps.assign(number)
    for variable in run.variables()[1:]:
        variable.assign(np.full(variable.shape, number % 1000, variable.dtype))


def check_whole(run):
    number = run.restore()
    for variable in run.variables()[1:]:
        # Learning rates are the settings', not the checkpoint's.
        if "learning_rate" not in variable.path:
            np.testing.assert_array_equal(variable.numpy(), number % 1000)
    return number


def save_on_and_on(folder, started):
    run = state.State(tiny(), folder)
    number = run.restore() if state.newest_step(folder) else 0
    while True:
        number += 1
        fill(run, number)
        run.save()
        if number % 3 == 0:
            run.save_best()
        started.set()


def test_a_checkpoint_survives_kill_9_at_any_moment(tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ggngan_tf.training.state", "tests.training.test_step"])
    random, reached = np.random.default_rng(0), 0
    for _ in range(5):
        started = context.Event()
        child = context.Process(target=save_on_and_on, args=(tmp_path, started))
        child.start()
        assert started.wait(300)
        time.sleep(random.uniform(0, 0.5))
        child.kill()
        child.join()
        found = check_whole(state.State(tiny(), tmp_path))
        assert found > reached
        reached = found
    assert state.State(tiny(), tmp_path).restore(best=True) % 3 == 0
    assert state.newest_step(tmp_path) == reached


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path):
    run = state.State(tiny(), tmp_path)
    fill(run, 7)
    run.save()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    fill(run, 8)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # a write beyond it fails
    try:
        with pytest.raises(errors.OutputError, match=r"step 8 cannot be written .* --resume"):
            run.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert check_whole(state.State(tiny(), tmp_path)) == 7
    fill(run, 9)
    run.save()
    assert check_whole(state.State(tiny(), tmp_path)) == 9


def test_the_newest_few_and_the_best_are_kept(tmp_path):
    run = state.State(tiny(keep=2), tmp_path)
    for number in range(1, 6):
        fill(run, number)
        run.save()
        if number == 2:
            run.save_best()
    assert sorted(p.name for p in tmp_path.glob("*.index")) == ["ckpt-4.index", "ckpt-5.index"]
    assert [p.name for p in (tmp_path / state.BEST).glob("*.index")] == ["ckpt-2.index"]
    assert state.newest_step(tmp_path) == 5
    assert run.restore(best=True) == 2 and run.restore() == 5


def test_a_run_goes_on_with_another_learning_rate(tmp_path):
    state.State(tiny(learning_rate=1e-3), tmp_path).save()
    run = state.State(tiny(learning_rate=1e-5), tmp_path)
    run.restore()
    rates = [float(optimizer.learning_rate) for _, optimizer in run.trainer.players]
    np.testing.assert_allclose(rates, 1e-5)


def test_settings_of_an_older_version_are_read(tmp_path):
    old = config.PRESETS["smoke"].model_dump(mode="json")
    del old["stability"]
    for name in ("devices", "validate_every", "patience", "skip_limit"):
        del old["training"][name]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(old))
    assert config.read(tmp_path / "config.yaml") == config.PRESETS["smoke"]


def test_a_log_loses_what_is_taken_again_and_a_line_half_written(tmp_path):
    lines = [json.dumps({"step": step, "cost": step / 10}) for step in (1, 2, 3, 4)]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + '\n{"step": 5, "co')
    log = runlog.RunLog(tmp_path, reached=3)
    costs = [line["cost"] for line in runlog.read(tmp_path / "log.jsonl", 2)]
    assert costs == [0.1, 0.2]
    log.report(4, {"cost": 9.0})
    steps = [json.loads(s)["step"] for s in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4]
