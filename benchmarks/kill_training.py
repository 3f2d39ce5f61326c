"""Kills a training run with kill -9 at random moments, again and again, and looks at what is left.

    python benchmarks/kill_training.py --kills 100 --out kills.json

A run of the smoke preset with very small networks, a checkpoint and a validation every few steps,
is started, killed after a random time (one in ten while it starts, the others while it trains and
writes), and resumed by the next start. After each kill the newest checkpoint is read whole (every
value, by its checksum), and the run may not have lost a step that an earlier checkpoint had. At the
end the run is finished and compared, value by value, with one that nobody killed: on a CPU in
float32 they must be equal, bit for bit.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import drawn_nodules
import numpy as np
import tensorflow as tf

from ggngan_tf import config
from ggngan_tf.data import nodules
from ggngan_tf.training import loop, state

_SIDE, _ROWS = 48, 8


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data = folder / "set.h5"
        nodules.write(drawn_nodules.drawn(_ROWS, _SIDE, radius=6), data)
        settings = _settings(options.steps)
        for out in ("killed", "whole"):
            loop.start(data, folder / out, settings, force=False)
        found = kill(data, folder / "killed", options)
        print("finishing the run, and one that nobody kills", flush=True)
        for out in ("killed", "whole"):
            _start(data, folder / out, found["reached"] + 5).wait()
        found["equal_to_uninterrupted"] = equal(folder / "killed", folder / "whole")
        found["log_lines_once_each"] = logged_once(folder / "killed" / "log.jsonl")
    print(json.dumps(found, indent=2))
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    whole = found["unreadable"] == found["lost_steps"] == 0
    sys.exit(not (whole and found["equal_to_uninterrupted"] and found["log_lines_once_each"]))


def kill(data: pathlib.Path, out: pathlib.Path, options: argparse.Namespace) -> dict:
    """Returns what was found after each kill."""
    draw, reached, moments = random.Random(options.seed), 0, []
    found = {"kills": 0, "unreadable": 0, "lost_steps": 0}
    end = time.monotonic() + 60 * options.minutes
    while found["kills"] < options.kills:
        if time.monotonic() > end:
            break
        run = _start(data, out, options.steps)
        if draw.random() < 0.9:  # the others are killed while they start
            _wait_for_progress(out / "checkpoints" / "checkpoint", run)
        time.sleep(draw.uniform(0, options.longest))
        if run.poll() is not None:
            sys.exit(f"the run ended by itself, {run.returncode}: give more --steps")
        run.kill()
        run.wait()
        found["kills"] += 1
        newest = _newest(out / "checkpoints")
        found["unreadable"] += newest is None
        found["lost_steps"] += newest is not None and newest < reached
        moments.append(newest)
        reached = max(reached, newest or 0)
        print(f"kill {found['kills']}: newest checkpoint {newest}", flush=True)
    return found | {"reached": reached, "checkpoints_after_each_kill": moments}


def equal(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Returns whether the newest checkpoints of two runs hold the same bytes."""
    readers = [tf.train.load_checkpoint(str(run / "checkpoints")) for run in (one, other)]
    names = [sorted(r.get_variable_to_shape_map()) for r in readers]
    names = [[n for n in part if n != "_CHECKPOINTABLE_OBJECT_GRAPH"] for part in names]
    values = ([r.get_tensor(n) for r in readers] for n in names[0])
    same = all(np.array_equal(*pair) for pair in values if pair[0].dtype != object)
    return names[0] == names[1] and same


def logged_once(path: pathlib.Path) -> bool:
    """Returns whether each line is JSON and no step was logged twice."""
    steps = [json.loads(line)["step"] for line in path.read_text(encoding="utf-8").splitlines()]
    return steps == sorted(set(steps))


def _settings(steps):
    changes = ["generator.filters=4", "generator.blocks=1", "whole.filters=[4, 8]"]
    changes += ["roi.filters=[4, 8]", "training.checkpoint_every=2", "training.log_every=1"]
    changes += ["training.validate_every=6", "training.sample_every=5"]
    changes += [f"training.steps={steps}", "data.fractions=[0.5, 0.5, 0]"]
    # The last step is known at the end only; nothing may hang on it.
    changes += ["training.decay_from=1.0", "training.freeze_from=1.0"]
    return config.load("smoke", overrides=tuple(changes))


def _start(data, out, steps):
    command = [sys.executable, "-m", "ggngan_tf.cli.main", "train", str(data), "--out", str(out)]
    command += ["--resume", "--steps", str(steps)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, **quiet)


def _wait_for_progress(path, run):
    """Waits until a run that has just started has written a checkpoint of its own."""
    stamp = lambda: path.stat().st_mtime_ns if path.exists() else 0  # noqa: E731
    before = stamp()
    while stamp() == before and run.poll() is None:
        time.sleep(0.02)


def _newest(folder):
    """Returns the step of the newest checkpoint, 0 before the first, None if it is not whole."""
    try:
        number = state.newest_step(folder)
        if number is None:
            return 0
        reader = tf.train.load_checkpoint(str(folder))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)  # checks the checksum
    except (tf.errors.OpError, ValueError, OSError) as error:
        print(f"{folder}: {error}", file=sys.stderr)
        return None
    return number


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--longest", type=float, default=3.0, help="Seconds until a kill.")
    parser.add_argument("--minutes", type=float, default=600.0, help="No kill after so many.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
