"""A small convolutional network that judges pixels: the nodule's context and its ROI.

It sees each window twice, as it is and through a Laplacian, in which seams and missing noise
show best, and takes no mask: it has to find the nodule by itself.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import patches

STEPS = 150  # ours: the training loss is near 0 by then at 50 against 50
BATCH = 32
_CENTRE, _WIDTH = -600.0, 400.0  # HU; brings a patch of lung to about -1 to 1
_LAPLACIAN = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32)


def windows(nodules: nodules_.NoduleSet) -> np.ndarray:
    """Returns what the judge takes, float32 `(N, 64, 64)`, about -1 to 1."""
    images, _ = patches.cut(nodules, patches.CONTEXT)
    return ((images.astype(np.float32) - _CENTRE) / _WIDTH).clip(-1.2, 2)


def judge(cases: np.ndarray, labels: np.ndarray, others: np.ndarray, seed: int) -> np.ndarray:
    """Trains on `cases` and returns the probability of synthetic of each of `others`.

    Orientations are drawn in training and averaged in judging.

    Args:
        cases: What `windows` returned, `(cases, 64, 64)`.
        labels: bool `(cases,)`, True for synthetic.
        others: `(others, 64, 64)`.
        seed: Of the order and the orientations; weights start alike.
    """
    model, initial, step = _network()
    for variable, value in initial:
        variable.assign(value)
    random = np.random.default_rng(seed)
    turned = tf.constant(_orientations(cases))
    truth = tf.constant(labels.astype(np.float32))
    weight = tf.constant(
        np.where(labels, 0.5 / labels.mean(), 0.5 / (1 - labels.mean())), tf.float32
    )
    for rows in _batches(len(cases), random):
        step(turned, truth, weight, tf.constant(rows), tf.constant(random.integers(8, size=BATCH)))
    views = _orientations(others)
    logits = model(views.reshape(-1, *views.shape[2:]), training=False).numpy().reshape(8, -1)
    return 1 / (1 + np.exp(-logits.mean(axis=0).astype(float)))


def build() -> keras.Model:
    """Returns the untrained network, `(batch, 64, 64)` to logits `(batch, 1)`; 12,000 weights."""
    window = keras.Input((patches.CONTEXT, patches.CONTEXT))
    image = keras.layers.Reshape((patches.CONTEXT, patches.CONTEXT, 1))(window)
    laplacian = keras.layers.Conv2D(
        1, 3, padding="same", use_bias=False, trainable=False, name="laplacian"
    )
    both = keras.layers.Concatenate()([image, laplacian(image)])
    margin = (patches.CONTEXT - patches.ROI) // 2
    roi = keras.layers.Cropping2D(margin)(both)
    context = _branch(both, [(8, 5, 2), (16, 3, 2), (32, 3, 2)], seed=1)
    nodule = _branch(roi, [(8, 3, 1), (16, 3, 2), (32, 3, 2)], seed=11)
    merged = keras.layers.Concatenate()([context, nodule])
    output = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(21))
    model = keras.Model(window, output(merged))
    model.get_layer("laplacian").set_weights([_LAPLACIAN[:, :, None, None]])
    return model


@functools.cache
def _network():
    # One network for all folds: tracing it again for each would take longer than training it.
    model = build()
    optimizer = keras.optimizers.AdamW(2e-3, weight_decay=1e-2)
    optimizer.build(model.trainable_variables)
    state = [*model.variables, *optimizer.variables]
    initial = [(v, v.numpy()) for v in state]

    @tf.function
    def step(turned, truth, weight, rows, orientations):
        windows = tf.gather_nd(turned, tf.stack([orientations, rows], axis=1))
        target, share = tf.gather(truth, rows), tf.gather(weight, rows)
        with tf.GradientTape() as tape:
            logits = model(windows, training=True)[:, 0]
            losses = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
            loss = tf.reduce_mean(share * losses)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    return model, initial, step


def _branch(features, layers, seed):
    for i, (filters, size, stride) in enumerate(layers):
        features = keras.layers.Conv2D(
            filters,
            size,
            stride,
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(seed + i),
        )(features)
    mean = keras.layers.GlobalAveragePooling2D()(features)
    return keras.layers.Concatenate()([mean, keras.layers.GlobalMaxPooling2D()(features)])


def _orientations(windows):
    turned = [np.rot90(windows, k, axes=(1, 2)) for k in range(4)]
    return np.stack([view for t in turned for view in (t, t[:, :, ::-1])])


def _batches(cases, random):
    rows = np.concatenate([random.permutation(cases) for _ in range(1 + STEPS * BATCH // cases)])
    return rows[: STEPS * BATCH].reshape(STEPS, BATCH)
