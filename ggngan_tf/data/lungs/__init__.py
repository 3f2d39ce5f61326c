"""Lung extraction by seed fill, from one slice or from a volume.

The one room that imports cv2.
"""

from ggngan_tf.data.lungs.slices import extract
from ggngan_tf.data.lungs.volumes import extract_volume

__all__ = ["extract", "extract_volume"]
