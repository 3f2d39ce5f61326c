"""Measures a classifier's tf.data pipeline that paints nodules as it goes (docs/cad-pipeline.md).

    python benchmarks/cad_pipeline.py [MODEL/VERSION] [--size 64] [--batch 16] [--batches 20]
        [--share 0.5] [--out FILE.json]

Nothing of this package is imported: only TensorFlow and a SavedModel. Prints slices a second of the
plain pipeline and of the one that paints a nodule into a share of its slices.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import tensorflow as tf

SHIPPED = pathlib.Path(__file__).parents[1] / "saved_models" / "ggn_generator" / "1"


def main() -> None:
    """Prints the table; writes JSON if asked."""
    options = _options()
    paint = tf.saved_model.load(str(options.model)).signatures["serving_default"]
    plain = healthy(options.size).batch(options.batch)
    painting = augmented(healthy(options.size), paint, options.batch, options.share)
    rates = {"plain": _rate(plain, options), "painting": _rate(painting, options)}
    shown = next(iter(painting))
    changed = float(tf.reduce_mean(shown[1]))
    result = {"slices a second": rates, "share with a nodule": changed, "size": options.size}
    print(json.dumps(result, indent=1))
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")


def healthy(size: int) -> tf.data.Dataset:
    """Stands in for somebody's own data: endless slices of lung-like noise, HU."""
    slices = np.random.default_rng(0).normal(-850, 40, (64, size, size, 1)).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices(slices).repeat()


def augmented(slices, paint, batch: int, share: float, seed: int = 0) -> tf.data.Dataset:
    """Returns batches of slices and labels; a `share` of them has a painted nodule, label 1."""
    generator = tf.data.Dataset.random(seed=seed).map(lambda n: tf.cast(n % (2**31), tf.int32))
    painted = int(batch * share)

    def augment(images, seeds):
        first = images[:painted]
        mask = _discs(tf.shape(first), seeds[0])
        synthetic = paint(image=first, mask=mask, seed=seeds[:painted])["image"]
        labels = tf.cast(tf.range(batch) < painted, tf.float32)
        return tf.concat([synthetic, images[painted:]], axis=0), labels

    batches = tf.data.Dataset.zip(
        slices.batch(batch, drop_remainder=True), generator.batch(batch, drop_remainder=True)
    )
    return batches.map(augment, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _discs(shape, seed):
    """Returns a disc of 4 to 10 pixels' radius somewhere in each slice, wholly on it."""
    batch, rows, columns = shape[0], shape[1], shape[2]
    drawn = tf.random.stateless_uniform((batch, 3), (seed, 0))
    radius = 4.0 + 6.0 * drawn[:, 0]
    room = tf.cast(tf.stack([rows, columns]), tf.float32) - 2 * radius[:, None] - 1
    centre = radius[:, None] + drawn[:, 1:] * room
    down = tf.range(tf.cast(rows, tf.float32))[None, :, None] - centre[:, :1, None]
    across = tf.range(tf.cast(columns, tf.float32))[None, None] - centre[:, 1:, None]
    return tf.cast(down**2 + across**2 <= radius[:, None, None] ** 2, tf.float32)[..., None]


def _rate(dataset, options):
    batches = iter(dataset)
    next(batches)
    start = time.perf_counter()
    for _ in range(options.batches):
        next(batches)
    return options.batch * options.batches / (time.perf_counter() - start)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=pathlib.Path, default=SHIPPED)
    parser.add_argument("--size", type=int, default=64, help="pixels across a slice")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--share", type=float, default=0.5, help="of slices that get a nodule")
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
