"""Times the exported generator against the stock Keras model on whole slices, in one run.

    python benchmarks/inference.py [--filters 64] [--blocks 16] [--size 512] [--scan 100]
        [--repeats 5] [--out FILE.json]

Both have the same random weights and the same slices. One nodule, 16 in one batch, four in one
slice and a whole scan of so many slices with a nodule in every tenth; then load time, first call,
peak memory, and the payload and time of JSON lists against PNG. The Keras model's time for more
slices is its time for one slice, many times over. Runs of the two alternate, so that a busy machine
troubles both; the table gives medians.
"""

import argparse
import base64
import json
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import tensorflow as tf

from ggngan_tf import config, inpainting
from ggngan_tf.models import generator
from ggngan_tf.synthesis import export, painter, saved

REGION = 32  # pixels across
FIRST = """
import json, resource, sys, time
import numpy as np
import tensorflow as tf
imported, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
call = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
loaded = time.perf_counter()
image, mask = np.full((1, 512, 512, 1), -850, np.float32), np.zeros((1, 512, 512, 1), np.float32)
mask[0, 200:232, 100:132] = 1
given = dict(image=tf.constant(image), mask=tf.constant(mask), seed=tf.constant([1]))
call(**given)
first = time.perf_counter()
call(**given)
last, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"load, s": loaded - imported, "first call, s": first - loaded,
    "second call, s": last - first, "peak memory, MiB": peak / 1024,
    "of which TensorFlow itself, MiB": before / 1024}))
"""


def main() -> None:
    """Prints the tables; writes JSON if asked."""
    options = _options()
    network, settings = _network(options)
    with tempfile.TemporaryDirectory() as folder:
        version = pathlib.Path(folder) / "benchmark" / "1"
        version.mkdir(parents=True)
        export.write(painter.Painter(network, settings), version, "benchmark", "1")
        model = saved.load(version)
        result = {
            "machine": _machine(),
            "settings": {key: str(value) for key, value in vars(options).items()},
            "inference": _inference(network, settings, model, options),
            "first call in a fresh process": _fresh(version),
            "payload": _payload(model, options),
            "size of the model, MB": sum(p.stat().st_size for p in version.rglob("*.*")) / 1e6,
        }
    result["peak memory of this run, MiB"] = _peak()
    print(json.dumps(result, indent=1))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")


def _network(options):
    given = config.Generator(filters=options.filters, blocks=options.blocks)
    settings = config.Config().model_copy(update={"generator": given})
    return generator.make(given), settings


def _inference(network, settings, model, options):
    cases = {
        "one nodule": (1, [(0, 200, 100)]),
        "one nodule at the border": (1, [(0, 0, 100)]),
        "four nodules in one slice": (1, [(0, r, c) for r in (60, 300) for c in (60, 400)]),
        "16 slices in one batch": (16, [(i, 60 + 20 * i, 100) for i in range(16)]),
    }
    whole = _whole(network, settings)
    table = {}
    for name, (count, places) in cases.items():
        inputs = _inputs(count, places, options.size)
        one = {key: value[:1] for key, value in inputs.items()}
        slow, fast = _alternate(lambda o=one: whole(o), lambda i=inputs: _call(model, i), options)
        row = {"whole slices, Keras, s": slow * count, "exported, s": fast}
        table[name] = row | {"ratio": slow * count / fast, **_difference(whole, model, one)}
        print(name, table[name], file=sys.stderr, flush=True)  # a large model takes minutes
    table["a scan"] = _scan(whole, model, options)
    return table


def _scan(whole, model, options):
    count, nodules = options.scan, options.scan // 10
    inputs = _inputs(nodules, [(i, 200, 100 + i) for i in range(nodules)], options.size)
    one = {key: value[:1] for key, value in inputs.items()}
    slices = [{key: value[i : i + 1] for key, value in inputs.items()} for i in range(nodules)]
    slow, fast = _alternate(lambda: whole(one), lambda: [_call(model, s) for s in slices], options)
    return {
        "slices": count,
        "nodules": nodules,
        "every slice through Keras, s": slow * count,
        "slices with a nodule through Keras, s": slow * nodules,
        "exported, s": fast,
        "ratio, every slice": slow * count / fast,
        "ratio, slices with a nodule": slow * nodules / fast,
    }


def _whole(network, settings):
    """Returns the plain way: the slice scaled and erased, through the Keras model, pasted."""
    run = tf.function(lambda seen: network(seen, training=False), reduce_retracing=True)

    def paint(inputs):
        image, hole = inputs["image"], inputs["mask"]
        scaled = inpainting.scale(image, settings.data.window)
        noise = [tf.random.stateless_normal(image.shape[1:], [s, 0]) for s in inputs["seed"]]
        seen = inpainting.generator_input(
            inpainting.erase(scaled, hole), hole, tf.stack(noise), mask_input=True, noise_input=True
        )
        painted = inpainting.unscale(run(seen), settings.data.window)
        return inpainting.paste(image, painted, hole).numpy()

    return paint


def _call(model, inputs):
    return model.signatures["serving_default"](**inputs)["image"].numpy()


def _inputs(count, places, size):
    image = np.random.default_rng(0).normal(-800, 100, (count, size, size, 1))
    mask = np.zeros(image.shape)
    for item, row, column in places:
        mask[item, row : row + REGION, column : column + REGION] = 1
    return {
        "image": tf.constant(image, tf.float32),
        "mask": tf.constant(mask, tf.float32),
        "seed": tf.range(count),
    }


def _alternate(slow, fast, options):
    slow(), fast()
    times = {slow: [], fast: []}
    for _ in range(options.repeats):
        for function in (slow, fast):
            start = time.perf_counter()
            function()
            times[function].append(time.perf_counter() - start)
    return [float(np.median(times[function])) for function in (slow, fast)]


def _difference(whole, model, inputs):
    apart = np.abs(whole(inputs) - _call(model, inputs))
    return {"largest difference, of 1": float(apart.max() / 1400)}


def _fresh(version):
    done = subprocess.run(
        [sys.executable, "-c", FIRST, str(version)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _payload(model, options):
    """Returns bytes and seconds of a request as clients send it, to the server's side of the model.

    Encoding, decoding and painting on one side; no network between them.
    """
    inputs = {k: v.numpy() for k, v in _inputs(1, [(0, 200, 100)], options.size).items()}
    inputs["image"] = np.rint(inputs["image"])
    return {"JSON lists": _json(model, inputs), "PNG in JSON": _png(model, inputs)}


def _json(model, inputs):
    start = time.perf_counter()
    request = json.dumps({"inputs": {key: value.tolist() for key, value in inputs.items()}})
    read = json.loads(request)["inputs"]
    dtypes = {"image": tf.float32, "mask": tf.float32, "seed": tf.int32}
    out = _call(model, {key: tf.constant(read[key], dtypes[key]) for key in read})
    response = json.dumps({"outputs": out.tolist()})
    np.array(json.loads(response)["outputs"], np.float32)
    return _sent(request, response, start)


def _png(model, inputs):
    start = time.perf_counter()
    encoded = {
        "image_bytes": tf.io.encode_png((inputs["image"][0] + 32768).astype(np.uint16)),
        "mask_bytes": tf.io.encode_png(inputs["mask"][0].astype(np.uint8)),
    }
    text = {k: [{"b64": base64.b64encode(v.numpy()).decode()}] for k, v in encoded.items()}
    request = json.dumps({"inputs": text | {"seed": inputs["seed"].tolist()}})
    read = json.loads(request)["inputs"]
    given = {k: tf.constant([base64.b64decode(read[k][0]["b64"])]) for k in encoded}
    out = model.signatures["png"](**given, seed=tf.constant(read["seed"]))["image_bytes"].numpy()
    response = json.dumps({"outputs": [{"b64": base64.b64encode(out[0]).decode()}]})
    back = base64.b64decode(json.loads(response)["outputs"][0]["b64"])
    tf.io.decode_png(back, dtype=tf.uint16).numpy()
    return _sent(request, response, start)


def _sent(request, response, start):
    seconds = time.perf_counter() - start
    return {"request, kB": len(request) / 1e3, "response, kB": len(response) / 1e3, "s": seconds}


def _machine():
    return {
        "processor": platform.processor() or platform.machine(),
        "devices": [device.name for device in tf.config.list_physical_devices()],
        "tensorflow": tf.__version__,
    }


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=16)
    parser.add_argument("--size", type=int, default=512, help="pixels across a slice")
    parser.add_argument("--scan", type=int, default=100, help="slices of a scan")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
