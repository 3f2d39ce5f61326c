"""Times one training step on 512 x 512 slices, plain, as printed and by the default recipe.

    python benchmarks/training.py --steps 2 --out training.json

All three have the paper's networks (64 filters, 16 blocks, ResNets of its sizes), batch 1 and the
same drawn slices. `plain` is what one writes down first: the whole slice through Keras' own layers.
Figures beside the time: multiply-adds of the convolutions, forward and backward, and how many of
them a second the step reaches. With --patches the default preset is timed on 64 x 64 patches too.
"""

import argparse
import json
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from ggngan_tf import config, inpainting, losses
from ggngan_tf.data import nodules, pipeline
from ggngan_tf.models import blocks
from ggngan_tf.training import devices, painting, step


def main() -> None:
    options = _options()
    table = {"machine": _machine(), "steps": options.steps, "rows": []}
    for name, settings, stock, size in _recipes(options):
        row = measure(name, settings, stock, size, options.steps)
        table["rows"].append(row)
        base = table["rows"][0]["seconds"]
        print(
            f"{row['name']:<28}{row['seconds']:9.2f} s{base / row['seconds']:8.1f} x"
            f"{row['gmac']:10.0f} GMAC{row['gmac'] / row['seconds']:8.1f} GMAC/s",
            flush=True,
        )
        for part, seconds in row["parts"].items():
            print(f"    {part:<24}{seconds:9.3f} s", flush=True)
    if options.out:
        options.out.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def measure(name, settings, stock, size, steps):
    """Returns the median time of a step, of its parts, and the multiply-adds it needs."""
    own = blocks.BatchNormalization
    blocks.BatchNormalization = keras.layers.BatchNormalization if stock else own
    try:
        trainer = step.Trainer(settings)
    finally:
        blocks.BatchNormalization = own
    chosen = drawn(settings.training.batch, size)
    batch = pipeline.fixed(chosen, settings, settings.training.batch)
    seconds = _timed(lambda: trainer.step(batch, tf.constant(0)), steps)
    parts = _parts(trainer, batch, settings, steps) if size < 512 or steps > 1 else {}
    parts["input"] = _input(chosen, settings)
    counted = multiply_adds(settings, batch["target"].shape[1], settings.training.batch)
    return {"name": name, "seconds": seconds, "gmac": counted / 1e9, "parts": parts}


def multiply_adds(settings: config.Config, side: int, batch: int) -> float:
    """Returns the multiply-adds of all convolutions of a step.

    The generator runs forward and back (three times its forward pass); a discriminator forward
    twice, back with its weights' gradients twice, and back to the pixels once: seven times.
    """
    own = settings.generator
    margin = 4 + 2 * own.blocks + 1 + 4
    window = min(side, settings.region + 2 * margin) if settings.training.paste else side
    channels = 1 + own.mask_input + own.noise_input
    inner = (2 * own.blocks + 1) * 9 * own.filters**2
    painted = window**2 * (81 * (channels + 1) * own.filters + inner)
    judged = _judge(settings.whole, side) + _judge(settings.roi, settings.erase.roi_size)
    return batch * (3 * painted + 7 * judged)


def drawn(rows: int, size: int) -> nodules.NoduleSet:
    """Returns noise with a disc in the middle of each slice."""
    random = np.random.default_rng(0)
    row, column = np.mgrid[:size, :size] - size // 2
    disc = np.hypot(row, column) <= 8
    image = random.normal(-850, 40, (rows, size, size)) + 250 * disc
    text, ratings = np.array([f"P{i}" for i in range(rows)]), np.full((rows, 4), 2, np.int8)
    return nodules.NoduleSet(
        image=image.astype(np.int16),
        mask=np.repeat(disc[None].astype(np.uint8), rows, axis=0),
        roi_centre=np.full((rows, 2), size // 2, np.int32),
        pixel_spacing=np.full((rows, 2), 0.7, np.float32),
        texture=ratings,
        malignancy=ratings,
        subtlety=ratings,
        patient_id=text,
        series_uid=text,
        sop_uid=text,
        manufacturer=text,
        nodule_id=np.arange(rows, dtype=np.int32),
        attributes={"licence": "CC0", "note": "drawn"},
    )


def _recipes(options):
    paper, default = config.PRESETS["paper"], config.PRESETS["default"]
    training = default.training.model_copy(update={"batch": 1})
    fast = default.model_copy(
        update={
            "generator": default.generator.model_copy(update={"filters": 64, "blocks": 16}),
            "whole": paper.whole.model_copy(update={"mask_input": True}),
            "roi": paper.roi.model_copy(update={"mask_input": True}),
            "training": training.model_copy(update={"precision": options.precision}),
        }
    )
    if options.patches:
        batch = default.training.model_copy(update={"batch": options.patches})
        small = default.model_copy(update={"training": batch})
        yield f"patches, stock layers x {options.patches}", small, True, 64
        yield f"patches, default x {options.patches}", small, False, 64
        return
    yield "plain", paper, True, 512
    yield "preset paper", paper, False, 512
    yield "default recipe", fast, False, 512


def _parts(trainer, batch, settings, steps):
    """Times what a step is made of, each forward and back on its own."""
    networks = trainer.networks
    target, hole = batch["target"], batch["hole"]

    def paint():
        return painting.paint(networks.generator, batch, settings, tf.constant(0), training=True)

    def judged(name, image, region):
        also = [region] if getattr(settings, name).mask_input else []
        return getattr(networks, name)(tf.concat([image, *also], axis=-1), training=True)

    size = settings.erase.roi_size
    origin = inpainting.window_origin(batch["centre"], size, tuple(target.shape[1:3]))
    cut, region = (inpainting.crop(image, origin, size, size) for image in (target, hole))
    image = tf.Variable(target)
    work = {
        "generator": (paint, networks.generator.trainable_variables),
        "whole-image judge, once": (
            lambda: judged("whole", target, hole),
            networks.whole.trainable_variables,
        ),
        "ROI judge, once": (lambda: judged("roi", cut, region), networks.roi.trainable_variables),
        "SSIM of the whole image": (lambda: losses.ssim_loss(target, image), [image]),
    }
    return {name: _timed(_gradient(*pair), steps) for name, pair in work.items()}


def _gradient(forward, variables):
    @tf.function
    def run():
        with tf.GradientTape() as tape:
            cost = tf.reduce_mean(forward())
        return tape.gradient(cost, variables)

    return run


def _input(chosen, settings):
    batches = iter(pipeline.batches(chosen, settings))
    return _timed(lambda: next(batches), 10)


def _judge(settings, side):
    side, before, total = side // 2, 1 + settings.mask_input, 0
    total += side**2 * 9 * before * settings.filters[0]
    before = settings.filters[0]
    for stage, filters in enumerate(settings.filters):
        side = side // 2 if stage else side
        for block in range(settings.blocks):
            total += side**2 * 9 * filters * (before + filters)
            total += side**2 * before * filters if stage and not block else 0
            before = filters
    return total


def _timed(run, count):
    run()
    seconds = []
    for _ in range(count):
        before = time.perf_counter()
        tf.nest.map_structure(lambda value: value.numpy(), run())
        seconds.append(time.perf_counter() - before)
    return float(np.median(seconds))


def _machine():
    gpus = [d.name for d in tf.config.list_physical_devices("GPU")]
    return {"cores": os.cpu_count(), "gpus": gpus, "tensorflow": tf.__version__}


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--precision", default="float32", type=devices.precision)
    parser.add_argument("--patches", type=int, metavar="BATCH")
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
