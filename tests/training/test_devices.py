import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config, errors
from ggngan_tf.data import nodules, pipeline
from ggngan_tf.training import devices, loop
from tests.conftest import ROOT, make_set
from tests.training.test_step import tiny


def started(*module_and_arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", *module_and_arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process):
    said, complaint = process.communicate(timeout=600)
    assert process.returncode == 0, complaint[-3000:]
    return said.splitlines()[-1]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for opened in sockets:
        opened.bind(("127.0.0.1", 0))
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def two_workers(*module_and_arguments):
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    for index in range(2):
        task = {"type": "worker", "index": index}
        cluster = {"cluster": {"worker": addresses}, "task": task}
        yield started(*module_and_arguments, TF_CONFIG=json.dumps(cluster))


@pytest.fixture(scope="module")
def runs():
    run = "tests.training.devices_run"
    processes = {kind: [started(run, kind)] for kind in ("one", "mirrored")}
    processes["workers"] = list(two_workers(run, "workers"))
    return {kind: [json.loads(finished(p)) for p in some] for kind, some in processes.items()}


@pytest.mark.parametrize("kind", ["mirrored", "workers"])
def test_two_devices_lose_what_one_loses_on_the_whole_batch(runs, kind):
    expected = runs["one"][0]
    assert expected["replicas"] == 1
    for found in runs[kind]:
        assert found["replicas"] == 2
        for ours, theirs in zip(found["losses"], expected["losses"], strict=True):
            assert ours.keys() == theirs.keys()
            # The second step's losses hang on the first one's updates.
            for name, value in theirs.items():
                assert ours[name] == pytest.approx(value, rel=2e-3, abs=1e-5), name
        assert found["sums"] == pytest.approx(expected["sums"], rel=1e-3)


def logged(out):
    lines = (out / "log.jsonl").read_text().splitlines()
    return {line["step"]: line for line in map(json.loads, lines)}


def test_two_workers_go_on_where_one_machine_began_and_where_they_ended(tmp_path):
    data, out, whole = (tmp_path / name for name in ("set.h5", "run", "whole"))
    nodules.write(make_set(6), data)
    made = tiny(batch=4, steps=3, log_every=1, checkpoint_every=1, sample_every=9, validate_every=9)
    made = made.model_copy(update={"data": made.data.model_copy(update={"fractions": (1.0, 0, 0)})})
    loop.start(data, whole, made, force=False)
    assert loop.train(data, whole, made).step == 3
    first = made.model_copy(update={"training": made.training.model_copy(update={"steps": 1})})
    loop.start(data, out, first, force=False)
    loop.train(data, out, first)
    command = ["ggngan_tf.cli.main", "train", str(data), "--out", str(out), "--resume"]
    for steps in ("2", "3"):  # each time all workers start anew, as after one was lost
        workers = [*command, "--steps", steps, "--set", "training.devices=workers"]
        for process in list(two_workers(*workers)):
            finished(process)
    found, expected = logged(out), logged(whole)
    assert list(found) == list(expected) == [1, 2, 3]
    for name, value in expected[3].items():
        if name.endswith(("ssim", "adversarial", "discriminator")):
            assert found[3][name] == pytest.approx(value, rel=5e-3, abs=1e-4), name


def test_devices_share_a_batch_and_each_nodule_once():
    settings = tiny(batch=4)
    whole = next(iter(pipeline.batches(make_set(6), settings, 3)))
    shared = []
    for worker in range(2):
        share = tf.distribute.InputContext(2, worker, 4)
        pieces = iter(pipeline.batches(make_set(6), settings, 3, share))
        shared += [next(pieces)["target"].numpy() for _ in range(2)]
    assert [len(piece) for piece in shared] == [1, 1, 1, 1]
    np.testing.assert_array_equal(np.concatenate(shared), whole["target"].numpy())


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(errors.TrainingError, match="batch of 4 cannot be shared equally by 3"):
        pipeline.batches(make_set(6), tiny(batch=4), 0, tf.distribute.InputContext(1, 0, 3))


def test_workers_need_tf_config(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(errors.TrainingError, match="TF_CONFIG is not set"):
        devices.strategy("workers")
    assert devices.is_chief(devices.strategy("auto"))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx2 amx_bf16", "mixed_bfloat16"),
        ("fpu avx512_bf16", "mixed_bfloat16"),
        ("fpu avx2 avx512f", "float32"),
    ],
)
def test_auto_takes_bfloat16_only_where_the_cpu_computes_in_it(
    tmp_path, monkeypatch, flags, expected
):
    (tmp_path / "cpuinfo").write_text(f"model name\t: A\nflags\t\t: {flags}\n")
    monkeypatch.setattr(devices, "_CPU_FLAGS", tmp_path / "cpuinfo")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    assert devices.precision("auto") == expected
    assert devices.precision("mixed_float16") == "mixed_float16"


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((9, 0), "mixed_bfloat16"), ((7, 5), "mixed_float16"), ((6, 1), "float32")],
)
def test_auto_follows_what_a_gpu_can_do(monkeypatch, capability, expected):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    details = lambda gpu: {"compute_capability": capability}  # noqa: E731
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details)
    assert devices.precision("auto") == expected


def test_the_precision_of_a_run_may_be_auto():
    assert config.load(overrides=("training.precision=auto",)).training.precision == "auto"
