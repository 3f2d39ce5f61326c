"""Trains a few steps on one device or on two, and prints the losses and a checksum as JSON.

Run as a program, since the number of devices is settled before TensorFlow starts.
"""

import itertools
import json
import sys

import numpy as np
import tensorflow as tf

from ggngan_tf.training import devices, loop, step
from tests.conftest import make_set
from tests.training.test_step import tiny

STEPS = 2


def main(kind: str) -> None:
    if kind == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        two = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, two)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    else:
        strategy = devices.strategy(kind)
    settings = tiny(batch=4)
    trainer = step.Trainer(settings, strategy)
    batches = loop.spread(strategy, {"train": make_set(6)}, settings, 0)
    found = []
    for number, batch in enumerate(itertools.islice(iter(batches), STEPS)):
        terms = trainer.step(batch, tf.constant(number))
        found.append({name: float(value) for name, value in terms.items()})
        if number == 0:
            # Subject to the mean of both devices' images. That of later steps hangs on updates,
            # which turn roundings into steps.
            moving = trainer.networks.generator.non_trainable_variables[0].numpy()
    average = trainer.networks.average.trainable_variables[0].numpy()
    sums = {"moving": float(np.abs(moving).sum()), "average": float(np.abs(average).sum())}
    replicas = strategy.num_replicas_in_sync
    print(json.dumps({"replicas": replicas, "losses": found, "sums": sums}))


if __name__ == "__main__":
    main(sys.argv[1])
