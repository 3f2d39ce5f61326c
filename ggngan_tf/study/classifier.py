"""Trains one classifier on patches, stops it by validation patients, and scores others."""

import dataclasses
import functools
import math
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from ggngan_tf.models import classifier as network
from ggngan_tf.study import augment, metrics
from ggngan_tf.study import settings as settings_

Balance = Literal["none", "weights", "sampling"]
_BATCH = 256  # patches scored at a time
_SMOOTHED = 3  # validations; ours


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """Patches and what they show.

    Attributes:
        images: int16 `(N, row, column)`, HU.
        labels: bool `(N,)`, whether a nodule is ground glass.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def plus(self, other: "Examples") -> "Examples":
        """Returns both, one after the other."""
        images = np.concatenate([self.images, other.images])
        return Examples(images, np.concatenate([self.labels, other.labels]))


@dataclasses.dataclass(frozen=True, eq=False)
class Trained:
    """A classifier's best weights and the validations that chose them.

    Attributes:
        weights: As `keras.Model.get_weights` gives them.
        step: After which they stood.
        history: Step and average precision of each validation.
    """

    weights: list[np.ndarray]
    step: int
    history: list[tuple[int, float]]


def train(
    training: Examples,
    validation: Examples,
    how: settings_.Classifier,
    window: tuple[float, float],
    seed: int,
    balance: Balance = "none",
) -> Trained:
    """Returns the weights with the best average precision on `validation`, over 3 in a row.

    Args:
        training: What is learnt from, both classes.
        validation: Of other patients; chooses the step and nothing else.
        how: Size, steps, augmentation.
        window: HU that become 0 and 1.
        seed: Of first weights, order and augmentation; same seed, same weights (on one machine).
        balance: `weights` makes both classes weigh alike in the loss, `sampling` draws as many
            GGNs as others into each batch, `none` takes them as they come.
    """
    model, optimizer, step = _graph(_shape(how))
    _restart(model, optimizer, how, seed)
    random = np.random.default_rng(seed)
    weights = _weights(training.labels, balance)
    best, best_step, history, since = model.get_weights(), 0, [], 0
    for number, rows in enumerate(_rows(training.labels, how.batch, balance, random), start=1):
        optimizer.learning_rate.assign(_rate(how, number))
        images = augment.batch(training.images[rows], how.augmentation, window, random)
        step(images, training.labels[rows].astype(np.float32), weights[rows])
        if number % how.validate_every == 0 or number == how.steps:
            found = metrics.average_precision(
                validation.labels, _score(model, validation.images, window)
            )
            before = [_smooth(history[: i + 1]) for i in range(len(history))]
            history.append((number, found))
            gain = _smooth(history) > max(before, default=-1.0)
            since = 0 if gain else since + 1
            if gain:
                best, best_step = model.get_weights(), number
            if 0 < how.patience <= since:
                break
        if number == how.steps:
            break
    return Trained(best, best_step, history)


def score(
    weights: list[np.ndarray],
    images: np.ndarray,
    how: settings_.Classifier,
    window: tuple[float, float],
) -> np.ndarray:
    """Returns logits, float64 `(N,)`, of patches int16 `(N, row, column)` in HU."""
    model, _, _ = _graph(_shape(how))
    model.set_weights(weights)
    return _score(model, images, window)


def _score(model, images, window):
    patches = augment.scale(augment.centre(images), window)[..., None]
    found = [_judge(model)(patches[i : i + _BATCH]) for i in range(0, len(patches), _BATCH)]
    return np.concatenate([part.numpy()[:, 0] for part in found]).astype(np.float64)


def _shape(how):
    """What the graph depends on; everything else may differ between two runs of it."""
    return (how.filters, how.blocks, how.dropout, how.weight_decay)


@functools.lru_cache(maxsize=2)
def _graph(shape):
    # One graph for all classifiers of a process: tracing it can take longer than training.
    filters, blocks, dropout, decay = shape
    model = network.make(filters, blocks, dropout)
    optimizer = keras.optimizers.AdamW(1e-3, weight_decay=decay)
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(images, labels, weights):
        with tf.GradientTape() as tape:
            logits = model(images, training=True)[:, 0]
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(weights * losses)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return model, optimizer, step


@functools.lru_cache(maxsize=2)
def _judge(model):
    return tf.function(lambda images: model(images, training=False), reduce_retracing=True)


def _restart(model, optimizer, how, seed):
    """Puts everything that training changes back to what a fresh process with this seed has."""
    keras.utils.set_random_seed(seed)  # after the graph, which may or may not be there already
    fresh = network.make(how.filters, how.blocks, how.dropout)
    for old, new in zip(model.variables, fresh.variables, strict=True):
        old.assign(new)
    for variable in optimizer.variables:
        variable.assign(tf.zeros_like(variable))
    if how.dropout:  # its random state is no variable of the model
        model.drop.seed_generator.state.assign(fresh.drop.seed_generator.state)


def _smooth(history):
    """The mean of the last validations: a few GGNs leave a single one to chance."""
    return float(np.mean([value for _, value in history[-_SMOOTHED:]]))


def _rate(how, number):
    """A cosine from the learning rate down to 0, after 5% of the steps in which it rises."""
    rise = max(1, how.steps // 20)
    fall = 0.5 * (1 + math.cos(math.pi * number / how.steps))
    return how.learning_rate * min(1.0, number / rise) * fall


def _weights(labels, balance):
    if balance != "weights":
        return np.ones(len(labels), np.float32)
    share = labels.mean()
    return np.where(labels, 0.5 / share, 0.5 / (1 - share)).astype(np.float32)


def _rows(labels, batch, balance, random):
    """Yields the rows of batch after batch, each row once an epoch (of its class, if balanced)."""
    batch = min(batch, len(labels))
    if balance != "sampling":
        endless = _shuffled(np.arange(len(labels)), random)
        while True:
            yield np.fromiter(endless, int, batch)
    ours, others = (_shuffled(np.flatnonzero(labels == kind), random) for kind in (True, False))
    while True:
        half = batch // 2
        yield np.concatenate([np.fromiter(ours, int, half), np.fromiter(others, int, batch - half)])


def _shuffled(rows, random):
    while True:
        yield from random.permutation(rows)
