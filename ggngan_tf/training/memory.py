"""Keeps the memory that a step frees for the next step, where the C library is glibc."""

import contextlib
import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h
_LARGEST = 2**31 - 1  # mallopt takes an int
# Larger blocks still go back at once: they are a whole slice's full-resolution layers, and kept
# between small ones they would make the preset `paper` three times as large (over 24 GB).
_BLOCK = 32 * 2**20


def keep() -> bool:
    """Lets freed memory stay with the process, and returns whether it could.

    By default glibc gives large blocks back at once and fetches them again, page by page, for the
    next layer. Of a step on whole slices that was about half of the CPU's time. The price is that a
    process stays as large as it once was; figures do not change.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        # One arena, since only the main one can grow to any size.
        wanted = {_ARENA_MAX: 1, _MMAP_THRESHOLD: _BLOCK, _TRIM_THRESHOLD: _LARGEST}
        return all([mallopt(name, value) for name, value in wanted.items()])
    return False
