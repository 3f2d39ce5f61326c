import platform
import subprocess
import sys

import pytest

from tests.conftest import ROOT

COUNT = """
import ctypes, resource
from ggngan_tf.training import memory
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
def faults(size):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        block = libc.malloc(size << 20)
        libc.memset(block, 1, size << 20)
        libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
fetched = faults(24)
print(fetched, memory.keep(), faults(24) and faults(24), faults(64) and faults(64))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_memory_once_fetched_stays_with_the_process_but_for_the_largest_blocks():
    done = subprocess.run(
        [sys.executable, "-c", COUNT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    fetched, kept, again, large = done.stdout.split()
    assert kept == "True"
    # 24 MiB are 6,144 pages of 4 KiB, or 12 of 2 MiB where the kernel gives those.
    assert int(fetched) >= 5 * 12 > 10 > int(again)
    assert int(large) >= 5 * 32
