import subprocess
import sys

# A module in TensorFlow's place, which speaks as the real one does before its logging is set up.
SPEAKS = """
import os, sys, types
class Loader:
    def find_spec(self, name, path=None, target=None):
        from importlib.machinery import ModuleSpec
        return ModuleSpec(name, self) if name == "tensorflow" else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written")
        os.write(2, b"\\nI0000 00:00:1 7 port.cc:153] oneDNN custom operations are on.\\n")
        {more}
        look = lambda: os.write(2, b"E0000 00:00:1 7 cuda.cc:51] cuInit: UNKNOWN ERROR (303)\\n")
        module.config = types.SimpleNamespace(list_physical_devices=look)
sys.meta_path.insert(0, Loader())
from ggngan_tf import quiet
quiet.load_tensorflow()
print("afterwards", file=sys.stderr)
"""


def spoken(more="pass"):
    code = SPEAKS.replace("{more}", more)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_what_tensorflow_always_says_is_left_out_and_stderr_works_afterwards():
    done = spoken()
    assert (done.returncode, done.stderr) == (0, "afterwards\n")


def test_what_it_says_of_a_broken_gpu_is_passed_on():
    broken = "E0000 00:00:1 7 cuda.cc:51] cuInit: CUDA_ERROR_UNKNOWN (999)"
    assert spoken(f'os.write(2, b"{broken}\\n")').stderr == f"{broken}\nafterwards\n"


def test_an_import_that_fails_says_why():
    done = spoken('raise ImportError("libcudart.so: not found")')
    assert done.returncode == 1 and "ImportError: libcudart.so: not found" in done.stderr


def test_a_closed_stderr_stops_nothing():
    code = "import sys; from ggngan_tf import quiet; quiet.load_tensorflow(); print(sys.stderr)"
    command = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "None\n")


def test_the_real_one_says_nothing():
    code = "from ggngan_tf import quiet; quiet.load_tensorflow()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
