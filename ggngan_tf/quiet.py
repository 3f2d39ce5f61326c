"""Loads TensorFlow without the lines of its start-up, which no log level holds back.

Before its logging is set up, TensorFlow 2.21 writes to stderr whatever `TF_CPP_MIN_LOG_LEVEL` says:
that oneDNN is on, and, as an error, that a machine without a GPU has none. `ggngan doctor` says
what a user needs to know of that.
"""

import os
import re
import sys
import tempfile

# Notes, the warning that there will be some, and CUDA_ERROR_SHARED_OBJECT_INIT_FAILED: no driver.
_USUAL = re.compile(rb"I\d{4} |WARNING: All log messages before absl|E\d{4} .*cuInit.*\(303\)|\s*$")
_CONTINUED = b"To enable the following instructions:"


def load_tensorflow() -> None:
    """Imports TensorFlow and looks for its devices; what else is said meanwhile is passed on."""
    if "tensorflow" in sys.modules or sys.stderr is None:  # a closed stderr hears nothing
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            os.write(2, b"".join(line for line in said if not _expected(line)))


def _expected(line):
    return bool(_USUAL.match(line)) or line.startswith(_CONTINUED)
