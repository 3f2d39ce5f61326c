"""A drawn chest CT scan with ground glass nodules of known size and density."""

from ggngan_tf.data.phantom.lesions import Nodule
from ggngan_tf.data.phantom.scan import Phantom, make, nodule_set, write

__all__ = ["Nodule", "Phantom", "make", "nodule_set", "write"]
