"""UIDs that follow from what they name, so that the same seed gives the same bytes."""

import hashlib
import uuid

import numpy as np

_NAMESPACE = uuid.UUID("6b1f2f9e-7f63-5c39-9a54-0f2a6f0d3c11")  # ours, drawn once


def derive(*sources: object) -> str:
    """Returns a UID under the UUID root 2.25 that depends on `sources` only (PS3.5, B.2)."""
    text = "\x1f".join(str(source) for source in sources)
    return f"2.25.{uuid.uuid5(_NAMESPACE, text).int}"


def digest(arrays: dict[int, np.ndarray]) -> str:
    """Returns the SHA-256 of numbered arrays, 64 hexadecimal digits."""
    sha = hashlib.sha256()
    for index, values in sorted(arrays.items()):
        sha.update(f"{index}:{values.shape}:{values.dtype}".encode())
        sha.update(np.ascontiguousarray(values).tobytes())
    return sha.hexdigest()
