import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config
from ggngan_tf.data import conditions
from ggngan_tf.models import blocks, discriminator, generator


def test_the_generator_of_the_paper_reaches_41_pixels():
    assert generator.make(config.PRESETS["paper"].generator).margin == 41


def test_no_pixel_further_than_the_margin_matters_and_one_at_it_does():
    settings = config.Generator(filters=4, blocks=2)
    network = generator.make(settings)
    # Positive weights, so that nothing cancels on the way to the rim of the receptive field.
    network.set_weights([np.abs(w) + 0.01 * (w.ndim == 4) for w in network.get_weights()])
    side, margin = 2 * network.margin + 5, network.margin
    image = np.full((1, side, side, generator.channels(settings)), 1e-3, np.float32)
    base = tf.Variable(image)
    middle = side // 2
    with tf.GradientTape() as tape:
        features = network.join(network.trunk(network.head(base))) + network.head(base)
        value = tf.nn.conv2d(features, network.tail.kernel, 1, "SAME")[0, middle, middle, 0]
    reached = np.argwhere(tape.gradient(value, base).numpy()[0, ..., 0] != 0) - middle
    assert abs(reached).max() == margin == 13


def test_parameters_are_those_counted_by_hand():
    # head 9*9*1*64 + 64, slopes 64; 16 blocks of two 3*3*64*64 + 64, two norms of 4*64, 64 slopes;
    # join 3*3*64*64 + 64 and a norm; tail 9*9*64 + 1.
    block = 2 * (3 * 3 * 64 * 64 + 64) + 2 * 4 * 64 + 64
    expected = (81 * 64 + 64 + 64) + 16 * block + (9 * 64 * 64 + 64 + 256) + (81 * 64 + 1)
    network = generator.make(config.PRESETS["paper"].generator)
    assert network.count_params() == expected == 1_238_593


@pytest.mark.parametrize("preset", config.PRESETS)
def test_the_generator_keeps_the_image_size_and_range(preset):
    settings = config.PRESETS[preset].generator
    image = tf.random.stateless_normal((1, 48, 64, generator.channels(settings)), (1, 2))
    out = generator.make(settings)(image)
    assert out.shape == (1, 48, 64, 1)
    assert 0 <= float(tf.reduce_min(out)) < float(tf.reduce_max(out)) <= 1


@pytest.mark.parametrize(("name", "size"), [("whole", 512), ("roi", 32)])
def test_discriminators_of_the_paper_judge_their_sizes(name, size):
    settings = getattr(config.PRESETS["paper"], name)
    judge = discriminator.make(settings)
    assert judge(tf.zeros((1, size, size, 1))).shape == (1, 1)


def test_the_two_discriminators_of_the_paper_differ_in_depth():
    paper = config.PRESETS["paper"]
    whole, roi = discriminator.make(paper.whole), discriminator.make(paper.roi)
    assert whole.count_params() > 5 * roi.count_params()
    assert (len(whole.trunk.layers), len(roi.trunk.layers)) == (2 + 8, 2 + 3)


def test_mixed_precision_computes_in_16_bits_and_answers_in_32():
    smoke = config.PRESETS["smoke"]
    painter = generator.make(smoke.generator, "mixed_float16")
    assert painter.trunk.layers[0].body.layers[0].compute_dtype == "float16"
    assert painter.head.layers[0].kernel.dtype == "float32"
    seen = tf.zeros((1, 16, 16, generator.channels(smoke.generator)))
    assert painter(seen).dtype == tf.float32
    judge = discriminator.make(smoke.roi, "mixed_float16")
    image, asked = tf.zeros((1, 32, 32, 1)), tf.zeros((1, len(conditions.NAMES)))
    assert judge(discriminator.views(image, image, asked, smoke.roi)).dtype == tf.float32


def test_fused_batch_normalisation_gives_what_keras_gives():
    image = tf.random.stateless_normal((2, 5, 6, 3), (1, 2)) * 3 + 1
    upstream = tf.random.stateless_normal((2, 5, 6, 3), (3, 4))
    found = []
    for kind in (blocks.BatchNormalization, keras.layers.BatchNormalization):
        layer = kind()
        layer.build(image.shape)
        layer.gamma.assign([0.5, 1.0, 2.0])
        layer.beta.assign([1.0, 0.0, -1.0])
        with tf.GradientTape() as tape:
            tape.watch(image)
            out = layer(image, training=True)
            cost = tf.reduce_sum(out * upstream)
        gradients = tape.gradient(cost, [image, *layer.trainable_variables])
        found.append([out, *gradients, *layer.variables, layer(image, training=False)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_spectral_normalisation_brings_the_largest_singular_value_to_1():
    settings = config.Discriminator(
        filters=(4, 8), mask_input=False, residual=False, conditions=False
    )
    judge = discriminator.make(settings, spectral=True)
    for number in range(60):
        judge(tf.random.stateless_normal((1, 32, 32, 1), (number, 0)), training=True)
    kernels = [
        v for v in judge.trainable_variables if v.path.endswith("kernel") and len(v.shape) == 4
    ]
    assert len(kernels) == 1 + 2 * 2 + 1
    for kernel in kernels:
        values = np.linalg.svd(kernel.numpy().reshape(-1, kernel.shape[-1]), compute_uv=False)
        np.testing.assert_allclose(values[0], 1.0, rtol=0.02)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_a_convolution_to_one_channel_is_that_of_keras_and_so_are_its_gradients(padding):
    layer = keras.layers.Conv2D(1, 9, padding=padding.lower())
    features = tf.random.stateless_normal((2, 14, 17, 3), [1, 2])
    layer.build(features.shape)
    layer.bias.assign([0.3])

    def found(function):
        with tf.GradientTape() as tape:
            tape.watch(features)
            out = function()
            cost = tf.reduce_sum(out**3)
        return [out, *tape.gradient(cost, [features, layer.kernel.value, layer.bias.value])]

    plain = found(lambda: layer(features))
    ours = found(lambda: blocks.to_one_channel(layer, features, padding))
    for one, other in zip(plain, ours, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


def test_a_short_cut_of_stride_two_takes_every_other_pixel():
    block = blocks.DownBlock(2, stride=2, normalisation=False)
    image = tf.reshape(tf.range(5.0 * 6.0), (1, 5, 6, 1)) + 1.0
    block.build(image.shape)
    for kernel in block.body.trainable_variables:
        kernel.assign(tf.zeros_like(kernel))
    block.short_cut.kernel.assign([[[[1.0, -1.0]]]])
    out = block(image)[0]
    np.testing.assert_allclose(out[..., 0], [[1, 3, 5], [13, 15, 17], [25, 27, 29]])
    np.testing.assert_allclose(out[..., 1], -0.2 * out[..., 0], rtol=1e-6)  # leaky ReLU


def test_gradients_are_the_same_bits_each_time_with_onednn():
    # TensorFlow takes oneDNN by itself where the CPU has AVX512 or AMX.
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": "1"}
    command = [sys.executable, "-c", _SAME_GRADIENTS]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert ran.stdout.strip() == "1", ran.stderr[-500:]


_SAME_GRADIENTS = """
import tensorflow as tf
from ggngan_tf.models import blocks

block = blocks.DownBlock(8, stride=2, normalisation=False)
image = tf.random.stateless_normal((2, 32, 32, 4), (1, 2))
block.build(image.shape)

@tf.function
def gradients():
    with tf.GradientTape() as tape:
        cost = tf.reduce_sum(block(image) ** 2)
    return tape.gradient(cost, block.trainable_variables)

print(len({b"".join(g.numpy().tobytes() for g in gradients()) for _ in range(500)}))
"""
