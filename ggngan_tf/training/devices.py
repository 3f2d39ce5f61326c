"""What to train on, and in which precision: one device, several, several machines."""

import os
import pathlib

import tensorflow as tf

from ggngan_tf import errors

_CPU_FLAGS = pathlib.Path("/proc/cpuinfo")
_BFLOAT16 = {"amx_bf16", "avx512_bf16"}  # a CPU without them emulates bfloat16, and slowly


def strategy(kind: str = "auto") -> tf.distribute.Strategy:
    """Returns how a step is spread over devices.

    Args:
        kind: `one` device; `mirrored`, all GPUs of this machine; `workers`, the machines that the
            environment variable TF_CONFIG lists; `auto`, the first that applies from the end.

    Raises:
        TrainingError: `workers` is asked for and TF_CONFIG is not set.
    """
    listed = "TF_CONFIG" in os.environ
    if kind == "workers" and not listed:
        raise errors.TrainingError(
            "devices=workers: TF_CONFIG is not set; set it on each machine as docs/scale.md shows."
        )
    if kind == "workers" or (kind == "auto" and listed):
        return tf.distribute.MultiWorkerMirroredStrategy()
    gpus = tf.config.list_logical_devices("GPU")
    if kind == "mirrored" or (kind == "auto" and len(gpus) > 1):
        return tf.distribute.MirroredStrategy([d.name for d in gpus] or None)
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether this process writes the run folder; of several workers only one does."""
    resolver = strategy.cluster_resolver
    return not resolver or not resolver.task_type or _is_first(resolver)


def precision(wanted: str) -> str:
    """Returns a Keras dtype policy; `auto` becomes what this machine computes fastest in.

    bfloat16 on GPUs from compute capability 8.0 and on CPUs with AMX or AVX512-BF16, float16 on
    GPUs from 7.0, float32 elsewhere.
    """
    if wanted != "auto":
        return wanted
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return _of_gpu(details.get("compute_capability", (0, 0)))
    return "mixed_bfloat16" if _BFLOAT16 & _flags() else "float32"


def is_fast_in_bfloat16() -> bool:
    """Returns whether this machine computes in bfloat16 rather than emulating it."""
    return precision("auto") == "mixed_bfloat16"


def _of_gpu(capability):
    if capability >= (8, 0):
        return "mixed_bfloat16"
    return "mixed_float16" if capability >= (7, 0) else "float32"


def _flags():
    try:
        text = _CPU_FLAGS.read_text(encoding="utf-8")
    except OSError:
        return set()  # not Linux
    return {flag for line in text.splitlines() if line.startswith("flags") for flag in line.split()}


def _is_first(resolver):
    has_chief = "chief" in resolver.cluster_spec().jobs
    return resolver.task_type == "chief" or (
        resolver.task_type == "worker" and resolver.task_id == 0 and not has_chief
    )
