"""The classifier of the study: ground glass against other nodules ("a basic ResNet")."""

import keras

from ggngan_tf.models import discriminator

# Batch statistics are averaged over some 10 steps: a run has a few hundred, and is watched early.
_MOMENTUM = 0.9


@keras.saving.register_keras_serializable("ggngan_tf")
class Classifier(discriminator.Discriminator):
    """Judges patches: `(batch, row, column, 1)` in [0, 1] to logits `(batch, 1)`, float32.

    The discriminators' trunk, one stage a number of filters; global average; drop-out; a logit.
    Above 0 means ground glass, before calibration.
    """

    def __init__(self, filters: tuple[int, ...], block_count: int = 1, dropout: float = 0.0, **kw):
        super().__init__(filters, block_count, **kw)
        self.dropout = dropout
        self.drop = keras.layers.Dropout(dropout)

    def call(self, image, training=None):
        features = keras.ops.mean(self.trunk(image, training=training), axis=(1, 2))
        return self.logit(self.drop(features, training=training))

    def get_config(self):
        return super().get_config() | {"dropout": self.dropout}


def make(filters: tuple[int, ...], blocks: int = 1, dropout: float = 0.0) -> Classifier:
    """Returns a built classifier of one-channel patches of any size.

    Args:
        filters: One stage a number, each but the first at half the resolution of the one before.
        blocks: Residual blocks a stage.
        dropout: Share of the pooled features that a training step leaves out.
    """
    made = Classifier(tuple(filters), blocks, dropout)
    made.build((None, None, None, 1))
    for layer in made._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    return made
