"""Times the exported generator against the stock Keras model on whole slices, in one run.

    python benchmarks/inference.py [--filters 64] [--blocks 16] [--scan 100]
        [--repeats 5] [--out FILE.json]

The paper's generator, the same weights and slices on both sides: one nodule, at the border too,
four in one slice, 16 slices in one batch, and a scan of so many slices with a nodule in every
tenth. The Keras model's time for more slices is its time for one slice, many times over. Runs
alternate, so that a busy machine troubles all; the tables give medians, and seconds of the
processors beside those of the clock, which others on the machine prolong less. Then bfloat16, load
time, first call, peak memory, the payload of JSON lists against PNG and, if installed, ONNX Runtime
and OpenVINO.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
import warnings

import inference_payload
import inference_peers
import numpy as np
import tensorflow as tf

from ggngan_tf import config, inpainting
from ggngan_tf.models import generator
from ggngan_tf.synthesis import export, painter, saved
from ggngan_tf.training import devices

SIZE, REGION = 512, 32  # pixels across
CASES = {
    "one nodule": (1, [(0, 200, 100)]),
    "one nodule at the border": (1, [(0, 0, 100)]),
    "four nodules in one slice": (1, [(0, r, c) for r in (60, 300) for c in (60, 400)]),
    "16 slices in one batch": (16, [(i, 60 + 20 * i, 100) for i in range(16)]),
}
# Linux counts a process's peak from when it became what it is; `getrusage` from its parent on.
FIRST = """
import json, sys, time
import numpy as np
import tensorflow as tf
def peak():
    status = open("/proc/self/status", encoding="ascii").read()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
imported, before = time.perf_counter(), peak()
call = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
loaded = time.perf_counter()
image, mask = np.full((1, 512, 512, 1), -850, np.float32), np.zeros((1, 512, 512, 1), np.float32)
mask[0, 200:232, 100:132] = 1
given = dict(image=tf.constant(image), mask=tf.constant(mask), seed=tf.constant([1]))
call(**given)
first = time.perf_counter()
call(**given)
last = time.perf_counter()
print(json.dumps({"load, s": loaded - imported, "first call, s": first - loaded,
    "second call, s": last - first, "peak memory, MiB": peak(),
    "of which TensorFlow itself, MiB": before}))
"""


def main() -> None:
    """Prints the tables; writes JSON if asked."""
    options = _options()
    network, settings = _network(options)
    made = painter.Painter(network, settings)
    with tempfile.TemporaryDirectory() as folder:
        version, model = _export(made, pathlib.Path(folder) / "float32" / "1")
        result = {
            "machine": _machine(),
            "settings": {key: str(value) for key, value in vars(options).items()},
            "inference": _inference(network, settings, model, options),
            "bfloat16": _bfloat16(network, settings, model, pathlib.Path(folder), options),
            "peers, one window": inference_peers.compare(made, REGION, options.repeats),
            "first call in a fresh process": _fresh(version),
            "payload": inference_payload.compare(model, inputs(*CASES["one nodule"], SIZE)),
            "size of the model, MB": sum(p.stat().st_size for p in version.rglob("*.*")) / 1e6,
        }
    print(json.dumps(result, indent=1))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def inputs(count: int, places: list[tuple[int, int, int]], size: int) -> dict[str, tf.Tensor]:
    """Returns slices of noise, and squares to paint at (slice, row, column)."""
    image = np.random.default_rng(0).normal(-800, 100, (count, size, size, 1)).round()
    mask = np.zeros(image.shape)
    for item, row, column in places:
        mask[item, row : row + REGION, column : column + REGION] = 1
    return {
        "image": tf.constant(image, tf.float32),
        "mask": tf.constant(mask, tf.float32),
        "seed": tf.range(count),
    }


def _network(options):
    paper = config.PRESETS["paper"]
    given = paper.generator.model_copy(update=dict(filters=options.filters, blocks=options.blocks))
    made = generator.make(given)
    random = np.random.default_rng(0)
    for weight in made.weights:  # slopes and statistics as after training, none of them 0 or 1
        if len(weight.shape) != 4:
            weight.assign(weight + np.abs(random.normal(0, 0.2, weight.shape)))
    _centre(made, given)
    return made, paper.model_copy(update={"generator": given})


def _centre(network, given):
    """Brings what the last sigmoid gets to about 0: where it is flat, all differences vanish."""
    window = np.random.default_rng(1).random((1, 96, 96, generator.channels(given)), np.float32)
    head = network.head(window)
    features = head + network.join(network.trunk(head))
    logits = tf.nn.conv2d(features, network.tail.kernel, 1, "VALID")
    spread = tf.math.reduce_std(logits)
    network.tail.kernel.assign(network.tail.kernel / spread)
    network.tail.bias.assign([-tf.reduce_mean(logits) / spread])


def _export(made, version):
    version.mkdir(parents=True)
    export.write(made, version, version.parent.name, version.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of bfloat16 where the CPU has none
        return version, saved.load(version)


def _inference(network, settings, model, options):
    whole = _whole(network, settings)
    given = {name: inputs(*case, SIZE) for name, case in CASES.items()}
    one = given["one nodule"]
    nodules = options.scan // 10
    functions = {"whole": lambda: whole(one)}
    functions |= {name: lambda i=i: _call(model, i) for name, i in given.items()}
    functions["a scan"] = lambda: [_call(model, one) for _ in range(nodules)]
    took, out = timed(functions, options.repeats)
    expected = {"one nodule": out["whole"]}
    expected["one nodule at the border"] = whole(given["one nodule at the border"])
    slices = {name: count for name, (count, _) in CASES.items()} | {"a scan": nodules}
    table = {"whole slice, Keras": took["whole"]}
    for name, count in slices.items():
        ratios = {f"times, {k}": took["whole"][k] * count / took[name][k] for k in ("s", "CPU s")}
        table[name] = took[name] | ratios
        if name in expected:
            painted = given[name]["mask"].numpy() > 0
            table[name] |= _difference(expected[name][painted], out[name][painted])
        print(name, table[name], file=sys.stderr, flush=True)  # a large model takes minutes
    scan, clock = table["a scan"], took["whole"]["s"] * options.scan
    scan |= {"slices": options.scan, "nodules": nodules}
    scan |= {"every slice through Keras, s": clock, "times, every slice": clock / scan["s"]}
    return table


def _bfloat16(network, settings, model, folder, options):
    made = painter.Painter(network, settings, "bfloat16")
    reduced = _export(made, folder / "bfloat16" / "1")[1]
    one = inputs(*CASES["one nodule"], SIZE)
    functions = {"float32": lambda: _call(model, one), "bfloat16": lambda: _call(reduced, one)}
    took, out = timed(functions, options.repeats)
    apart = np.abs(out["float32"] - out["bfloat16"])[one["mask"].numpy() > 0]
    return took | {
        "this CPU computes in bfloat16": devices.is_fast_in_bfloat16(),
        "mean difference, HU": float(apart.mean()),
        "largest difference, HU": float(apart.max()),
    }


def _whole(network, settings):
    """Returns the plain way: the slice scaled and erased, through the Keras model, pasted."""
    run = tf.function(lambda seen: network(seen, training=False), reduce_retracing=True)

    def paint(given):
        scaled = inpainting.scale(given["image"], settings.data.window)
        painted = run(inpainting.erase(scaled, given["mask"]))
        painted = inpainting.unscale(painted, settings.data.window)
        return inpainting.paste(given["image"], painted, given["mask"]).numpy()

    return paint


def _call(model, given):
    return model.signatures["serving_default"](**given)["image"].numpy()


def timed(functions: dict, repeats: int) -> tuple[dict[str, dict[str, float]], dict]:
    """Returns the median seconds of each function, and what it returned last.

    The seconds are those of the clock and, beside them, those of the processors.
    """
    taken, returned = {name: [] for name in functions}, {}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            start, cpu = time.perf_counter(), time.process_time()
            returned[name] = function()
            if turn:  # the first is for warming up
                taken[name].append((time.perf_counter() - start, time.process_time() - cpu))
    medians = {name: np.median(times, axis=0) for name, times in taken.items()}
    return {name: {"s": float(m[0]), "CPU s": float(m[1])} for name, m in medians.items()}, returned


def _difference(one, other):
    largest = float(np.abs(one - other).max())
    return {
        "largest difference, HU": largest,
        "largest difference, of 1": largest / 1400,
        "standard deviation of what is painted, HU": float(one.std()),  # so that it says something
    }


def _fresh(version):
    done = subprocess.run(
        [sys.executable, "-c", FIRST, str(version)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _machine():
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load before": os.getloadavg()[0],
        "devices": [device.name for device in tf.config.list_physical_devices()],
        "tensorflow": tf.__version__,
        "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "not set"),
    }


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=16)
    parser.add_argument("--scan", type=int, default=100, help="slices of a scan")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
