"""What a request weighs and takes as lists of numbers and as PNG: a part of inference.py.

Encoding, decoding and painting on one machine, one after the other; no network between them.
"""

import base64
import json
import time

import numpy as np
import tensorflow as tf


def compare(model, inputs: dict[str, tf.Tensor]) -> dict[str, dict[str, float]]:
    """Returns bytes and seconds of a request of one slice, each way; the second of two tries."""
    given = {key: value.numpy() for key, value in inputs.items()}
    for _ in range(2):
        found = {"JSON lists": _json(model, given), "PNG in JSON": _png(model, given)}
    return found


def _json(model, inputs):
    start = time.perf_counter()
    request = json.dumps({"inputs": {key: value.tolist() for key, value in inputs.items()}})
    read = json.loads(request)["inputs"]
    dtypes = {"image": tf.float32, "mask": tf.float32, "seed": tf.int32}
    given = {key: tf.constant(read[key], dtypes[key]) for key in read}
    out = model.signatures["serving_default"](**given)["image"].numpy()
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
