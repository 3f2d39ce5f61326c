"""Times one training step on 512 x 512 slices: the plain way, as printed, and the default way.

    python benchmarks/training.py --steps 3 --out training.json

All have the paper's networks (64 filters, 16 blocks, ResNets of its sizes), batch 1 and the same
drawn slice. `plain` is what one writes down first: the whole slice through Keras' own layers. Each
runs in a process of its own, since what one does to the C library's memory would help the others.

Printed are seconds on the clock and of the CPU a step, multiply-adds of the convolutions, and the
floor: how long these would take at the rate of this machine's matrix product. A profile of one more
step says where the time goes; kernels that run side by side count in full. On machines that compute
in bfloat16 or float16 the default way is timed in that too. With --patches 4 it is batches of
64 x 64 patches and the preset's own networks, beside Keras' layers.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import drawn_nodules
import keras
import numpy as np
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from ggngan_tf import config
from ggngan_tf.data import pipeline
from ggngan_tf.models import blocks, generator
from ggngan_tf.training import devices, memory, step

_SIDE = 512
_OP = re.compile(r"^([\w./-]+):(_?[A-Z]\w*)$")  # how TensorFlow names a kernel in its trace
_HOLDERS = ("Call", "If", "While", "Case")  # operations that are nothing but other operations


def main() -> None:
    options = _options()
    if options.only:
        print(json.dumps(measure(options)))
        return
    names = list(recipes(options.patches))
    table = {"machine": _machine(), "steps": options.steps, "rows": []}
    print(f"{'':<26}{'s':>8}{'ratio':>8}{'CPU s':>8}{'ratio':>8}{'GMAC':>8}{'floor s':>9}")
    for name in names:
        row = _measured(name, options)
        table["rows"].append(row)
        _show(row, table["rows"][0])
    if options.out:
        options.out.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def recipes(patches: int | None) -> dict[str, config.Config]:
    """Returns the settings to time, by name; those that start with `plain` get stock layers."""
    paper, default = config.PRESETS["paper"], config.PRESETS["default"]
    if patches:
        small = _with(default, training={"batch": patches})
        return {f"plain, patches x {patches}": small, f"default, patches x {patches}": small}
    judges = {
        name: {"filters": wide.filters, "blocks": wide.blocks}
        for name, wide in (("whole", paper.whole), ("roi", paper.roi))
    }
    wide = _with(
        default,
        generator={"filters": paper.generator.filters, "blocks": paper.generator.blocks},
        training={"batch": 1},
        loss={"radiomic": 0.0},  # compares batches
        **judges,
    )
    own = _with(wide, whole={"stem": 4}, roi={"stem": 2})  # what a run takes on whole slices
    found = {
        "plain": paper,
        "paper": paper,
        "default, stem 2": _with(wide, whole={"stem": 2}, roi={"stem": 2}),
        "default": own,
    }
    fast = devices.precision("auto")
    if fast != "float32":
        found[f"default, {fast}"] = _with(own, training={"precision": fast})
    return found


def measure(options: argparse.Namespace) -> dict:
    """Returns what a step of one recipe takes."""
    settings, stock = recipes(options.patches)[options.only], options.only.startswith("plain")
    if not stock:
        memory.keep()  # as every run does
    own = blocks.BatchNormalization
    blocks.BatchNormalization = keras.layers.BatchNormalization if stock else own
    trainer = _Scoped(settings)
    size = 64 if options.patches else _SIDE
    chosen = drawn_nodules.drawn(settings.training.batch, size)
    batches, number = iter(pipeline.batches(chosen, settings)), tf.constant(0)
    batch, first = next(batches), time.perf_counter()
    _finish(trainer.step(batch, number))
    first = time.perf_counter() - first
    seconds, work, waits = [], [], []
    for _ in range(options.steps):
        before, used = time.perf_counter(), time.process_time()
        batch = next(batches)
        waits.append(time.perf_counter() - before)
        _finish(trainer.step(batch, number))
        seconds.append(time.perf_counter() - before)
        work.append(time.process_time() - used)
    batch = next(batches)
    parts = profile(lambda: _finish(trainer.step(batch, number)))
    counted = multiply_adds(trainer, batch["target"].shape[1]) / 1e9
    rate = _rate()
    return {
        "name": options.only,
        "seconds": float(np.median(seconds)),
        "cpu_seconds": float(np.median(work)),
        "first_step_seconds": first,
        "waiting_for_input_seconds": float(np.median(waits)),
        "gmac": counted,
        "machine_gmac_per_second": rate,
        "floor_seconds": counted / rate,
        "profile_seconds": parts,
        "load_average": os.getloadavg()[0],
    }


def multiply_adds(trainer: step.Trainer, side: int) -> float:
    """Returns the multiply-adds of all convolutions of a step.

    The generator runs forward and back: three times its forward pass. A discriminator runs forward
    twice, back to its weights twice, back between its layers twice, and once more to the pixels:
    seven times, and three more where R1 differentiates its slope.
    """
    settings, networks = trainer.settings, trainer.networks
    judged = _judge(networks.whole, side) + _judge(networks.roi, settings.erase.roi_size)
    passes = 10 if settings.stability.r1 else 7
    return settings.training.batch * (3 * _painter(settings, side) + passes * judged)


def profile(run) -> dict[str, float]:
    """Returns the seconds of the kernels of `run`, by network and kind."""
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        run()
        tf.profiler.experimental.stop()
        path = next(pathlib.Path(folder).rglob("*.xplane.pb"))
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
    found = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                kernel = _OP.match(plane.event_metadata[event.metadata_id].name)
                if kernel and not kernel[2].endswith(_HOLDERS):
                    found[_part(*kernel.groups())] += event.duration_ps / 1e12
    return dict(found.most_common())


def _painter(settings, side):
    """Multiply-adds of the generator, forward: on the slice, or layer by layer on its window."""
    own, reach = settings.generator, []
    for size in (9, *[3] * (2 * own.blocks + 1), 9):
        reach.append(size // 2)
    margin, filters = sum(reach), own.filters
    weights = [
        81 * generator.channels(own) * filters,
        *[9 * filters**2] * (2 * own.blocks + 1),
        81 * filters,
    ]
    wide = settings.region + 2 * margin
    if not settings.training.paste or wide >= side:
        return side**2 * sum(weights)
    sides = wide - 2 * np.cumsum(reach)
    return float(sum(side**2 * count for side, count in zip(sides, weights, strict=True)))


def _judge(network, side):
    """Multiply-adds of a discriminator, forward."""
    total, side = 0, side // network.stem
    total += side**2 * int(np.prod(network.trunk.layers[0].kernel.shape))
    for block in network.trunk.layers[2:]:
        side //= block.stride
        kernels = [v for v in block.trainable_variables if len(v.shape) == 4]
        total += side**2 * sum(int(np.prod(kernel.shape)) for kernel in kernels)
    return total


class _Scoped(step.Trainer):
    """A trainer whose kernels bear the name of the discriminator that they belong to."""

    def _judged(self, name, *views):
        with tf.name_scope(f"{name}_discriminator"):
            return super()._judged(name, *views)


def _part(name, kind):
    network = next((n for n in ("whole", "roi") if f"{n}_discriminator" in name), None)
    if "SSIM" in name:
        return "SSIM"
    if "adam" in name.lower():
        return "optimisers"
    owner = f"{network} discriminator" if network else "generator"
    return f"{owner}, {'convolutions' if 'Conv2D' in kind else 'the rest'}"


def _rate():
    """Returns the multiply-adds a second, in billions, of a matrix product in float32."""
    one = tf.random.stateless_uniform((2048, 2048), (1, 2))
    seconds = []
    for _ in range(5):
        before = time.perf_counter()
        tf.linalg.matmul(one, one).numpy()
        seconds.append(time.perf_counter() - before)
    return 2048**3 / 1e9 / min(seconds)


def _with(settings, **sections):
    changed = {
        name: getattr(settings, name).model_copy(update=values) for name, values in sections.items()
    }
    return settings.model_copy(update=changed)


def _finish(terms):
    tf.nest.map_structure(lambda value: value.numpy(), terms)


def _measured(name, options):
    command = [sys.executable, __file__, "--only", name, "--steps", str(options.steps)]
    command += ["--patches", str(options.patches)] if options.patches else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _show(row, base):
    wall, work = base["seconds"] / row["seconds"], base["cpu_seconds"] / row["cpu_seconds"]
    print(
        f"{row['name']:<26}{row['seconds']:8.2f}{wall:8.1f}{row['cpu_seconds']:8.2f}{work:8.1f}"
        f"{row['gmac']:8.0f}{row['floor_seconds']:9.2f}   "
        f"(load {row['load_average']:.1f}, {row['machine_gmac_per_second']:.0f} GMAC/s)"
    )
    for part, seconds in row["profile_seconds"].items():
        print(f"    {part:<36}{seconds:9.3f} s")
    print(f"    {'waiting for input':<36}{row['waiting_for_input_seconds']:9.4f} s", flush=True)


def _machine():
    gpus = [d.name for d in tf.config.list_physical_devices("GPU")]
    return {"cores": os.cpu_count(), "gpus": gpus, "tensorflow": tf.__version__}


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--patches", type=int, metavar="BATCH")
    parser.add_argument("--only", help="One row, as JSON.")
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
