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
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        block = libc.malloc(64 << 20)
        libc.memset(block, 1, 64 << 20)
        libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
fetched = faults()
print(fetched, memory.keep(), faults() and faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_memory_once_fetched_stays_with_the_process():
    done = subprocess.run(
        [sys.executable, "-c", COUNT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    fetched, kept, again = done.stdout.split()
    assert kept == "True"
    assert int(fetched) > 5 * 1000 > 100 > int(again)  # 64 MiB are 16,384 pages of 4 KiB
