"""The same network in ONNX Runtime and OpenVINO, on one window: a part of inference.py.

The graph is written from the folded convolutions: a converter of SavedModels would have to bring
the labelling of regions along. Nothing of this ships; `pip install onnx onnxruntime openvino`.
"""

import importlib.util
import time

import numpy as np
import tensorflow as tf

from ggngan_tf.synthesis import painter

NEEDED = ("onnx", "onnxruntime", "openvino")


def compare(made: painter.Painter, region: int, repeats: int) -> dict:
    """Returns seconds for one window by each, and how far the others are from TensorFlow."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return {"not measured, missing": missing}
    side = region + 2 * made.margin
    channels = made._head.kernel.shape[2]
    window = np.random.default_rng(0).random((1, side, side, channels), np.float32)
    functions = _functions(made, window)
    outputs = {name: np.squeeze(function()) for name, function in functions.items()}
    taken = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start, cpu = time.perf_counter(), time.process_time()
            function()
            taken[name].append((time.perf_counter() - start, time.process_time() - cpu))
    return {
        name: {
            "s": float(np.median(times, axis=0)[0]),
            "CPU s": float(np.median(times, axis=0)[1]),
            "difference, of 1": float(np.abs(outputs[name] - outputs["TensorFlow"]).max()),
        }
        for name, times in taken.items()
    }


def _functions(made, window):
    import onnxruntime
    import openvino

    model = _onnx(made).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(model), "CPU", exact).create_infer_request()
    run = tf.function(lambda given: made._layers(given, lambda features: features))
    given, turned = tf.constant(window), np.ascontiguousarray(window.transpose(0, 3, 1, 2))
    return {
        "TensorFlow": lambda: run(given).numpy(),
        "ONNX Runtime": lambda: session.run(None, {"window": turned})[0],
        "OpenVINO": lambda: compiled.infer({0: turned})[0],
    }


def _onnx(made):
    """Returns the network of a painter as ONNX, `(batch, channel, row, column)`."""
    import onnx

    graph = _Graph()
    head = features = graph.convolve("window", made._head)
    for first, second in made._blocks:
        step = graph.convolve(graph.convolve(features, first), second)
        features = graph.add("Add", [graph.crop(features, 2), step])
    step = graph.convolve(features, made._join)
    features = graph.add("Add", [graph.crop(head, 2 * len(made._blocks) + 1), step])
    for part in made._tail:
        features = graph.convolve(features, part)
    graph.add("Sigmoid", [features], "painted")
    kind, free = onnx.TensorProto.FLOAT, (None, None)
    ends = [
        onnx.helper.make_tensor_value_info(name, kind, (None, channels, *free))
        for name, channels in (("window", made._head.kernel.shape[2]), ("painted", 1))
    ]
    whole = onnx.helper.make_graph(graph.nodes, "painter", ends[:1], ends[1:], graph.constants)
    opset = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(whole, opset_imports=opset, ir_version=9)


class _Graph:
    """Nodes and constants of an ONNX graph, each under a name of its own."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def add(self, kind, inputs, name=None):
        import onnx

        name = name or f"node{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, inputs, [name]))
        return name

    def constant(self, value):
        import onnx

        name = f"constant{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def convolve(self, features, layer):
        weights = [self.constant(layer.kernel.transpose(3, 2, 0, 1)), self.constant(layer.bias)]
        out = self.add("Conv", [features, *weights])
        if layer.slope is None:
            return out
        return self.add("PRelu", [out, self.constant(layer.slope[:, None, None])])

    def crop(self, features, pixels):
        cut = [np.int64([pixels] * 2), np.int64([-pixels] * 2), np.int64([2, 3])]
        return self.add("Slice", [features, *map(self.constant, cut)])
