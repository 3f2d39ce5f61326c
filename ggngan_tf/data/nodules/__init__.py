"""The table of nodules that everything reads and writes: HDF5, schema `ggngan-nodules/1`."""

from ggngan_tf.data.nodules.joining import join
from ggngan_tf.data.nodules.schema import SCHEMA
from ggngan_tf.data.nodules.storage import fingerprint, read, write
from ggngan_tf.data.nodules.table import NoduleSet, Part, Rule, ground_glass

__all__ = [
    "SCHEMA",
    "NoduleSet",
    "Part",
    "Rule",
    "fingerprint",
    "ground_glass",
    "join",
    "read",
    "write",
]
