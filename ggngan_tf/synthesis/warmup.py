"""Requests that TensorFlow Serving sends to a model before its first client does.

They are `tensorflow.serving.PredictionLog` messages in a TFRecord. Nested messages are written here
byte by byte, so that an export needs no other package; the tests read them with the real one.
"""

import pathlib

import numpy as np
import tensorflow as tf

from ggngan_tf.data import conditions
from ggngan_tf.synthesis import signatures

NAME = "tf_serving_warmup_requests"
_SIZE, _HOLE = 128, 16  # pixels; large enough for a window, small enough for a package
_MODEL_SPEC, _INPUTS = 1, 2  # fields of PredictRequest
_NAME, _SIGNATURE_NAME = 1, 3  # of ModelSpec
_KEY, _VALUE = 1, 2  # of each entry of a map
_REQUEST, _PREDICT_LOG = 1, 6  # of PredictLog and PredictionLog


def write(folder: pathlib.Path, name: str, names: list[str]) -> pathlib.Path:
    """Writes `assets.extra/tf_serving_warmup_requests` with a request for each signature.

    Args:
        folder: The version's folder.
        name: Of the model on the server.
        names: Of its signatures.
    """
    path = folder / "assets.extra" / NAME
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as file:
        for signature in names:
            file.write(_log(name, signature, example(signature, "lung" in names)))
    return path


def example(signature: str, lung: bool = False) -> dict[str, np.ndarray]:
    """Returns inputs of a signature: one slice of air, a square to paint in its middle.

    Args:
        signature: Its name.
        lung: Whether the model is one that sees the lung only.
    """
    image = np.full((1, _SIZE, _SIZE, 1), -850, np.float32)
    mask = np.zeros_like(image)
    first = (_SIZE - _HOLE) // 2
    mask[:, first : first + _HOLE, first : first + _HOLE] = 1
    inputs = {"image": image, "mask": mask, "lung": np.ones_like(mask)}
    inputs["centre"] = np.full((1, 2), _SIZE // 2, np.int32)
    inputs["image_bytes"] = _png(image + signatures.PNG_OFFSET, np.uint16)
    inputs["mask_bytes"] = _png(mask, np.uint8)
    inputs["seed"] = np.zeros(1, np.int32)
    inputs |= {name: np.full(1, np.nan, np.float32) for name in conditions.NAMES}
    asked = {
        "serving_default": ("image", "mask", "seed"),
        "conditioned": ("image", "mask", "seed", *conditions.NAMES, *["lung"] * lung),
        "lung": ("image", "mask", "lung", "seed"),
        "roi": ("image", "centre", "seed"),
        "png": ("image_bytes", "mask_bytes", "seed"),
    }
    return {key: inputs[key] for key in asked[signature]}


def _png(images, dtype):
    return np.array([tf.io.encode_png(images[0].astype(dtype)).numpy()])


def _log(name, signature, inputs):
    spec = _field(_NAME, name.encode()) + _field(_SIGNATURE_NAME, signature.encode())
    request = _field(_MODEL_SPEC, spec)
    for key, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request += _field(_INPUTS, _field(_KEY, key.encode()) + _field(_VALUE, tensor))
    return _field(_PREDICT_LOG, _field(_REQUEST, request))


def _field(number, payload):
    """Returns a length-delimited field of a protocol buffer."""
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(number):
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])
