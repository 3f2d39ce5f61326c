"""What is installed, what is missing and what will be used: for a user's first bug report."""

import importlib.metadata
import importlib.util
import pathlib
import platform
import shutil

import ggngan_tf
from ggngan_tf import errors
from ggngan_tf.synthesis import saved

_PACKAGES = (
    "tensorflow",
    "keras",
    "numpy",
    "pydicom",
    "highdicom",
    "pylidc",
    "opencv-python-headless",
    "pyradiomics",
    "SimpleITK",
    "scikit-learn",
    "scipy",
    "h5py",
)
_EXTRAS = {
    "cluster": ("distributed", "a Dask cluster for --scheduler"),
    "serving": ("tensorflow_serving", "gRPC clients of TensorFlow Serving"),
    "vtt": ("fastapi", "the web reader of the visual Turing test"),
}

_COMPILER = "a C compiler, to build pyradiomics and the test in C: install gcc"
_BFLOAT16 = {"amx_bf16", "avx512_bf16"}  # what /proc/cpuinfo calls them


def examine() -> dict:
    """Returns versions, devices, precision, shipped generators and their hashes, missing extras."""
    import tensorflow as tf

    return {
        "ggngan_tf": ggngan_tf.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "devices": _devices(tf),
        "precision": _precision(tf),
        "models": _models(),
        "missing": {
            extra: f'{what}: pip install "ggngan_tf[{extra}]"'
            for extra, (module, what) in _EXTRAS.items()
            if importlib.util.find_spec(module) is None
        }
        | ({} if shutil.which("gcc") or shutil.which("cc") else {"compiler": _COMPILER}),
    }


def describe(found: dict) -> str:
    """Returns what `examine` found, as lines for people."""
    lines = [f"ggngan_tf {found['ggngan_tf']}, Python {found['python']}, {found['platform']}"]
    lines += [f"  {name} {version}" for name, version in found["packages"].items()]
    lines += [f"device {name}: {kind}" for name, kind in found["devices"].items()]
    lines += [f"precision: {found['precision']}"]
    lines += [f"model {name}: {state}" for name, state in found["models"].items()]
    lines += [f"missing, optional: {hint}" for hint in found["missing"].values()]
    return "\n".join(lines)


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _devices(tf):
    found = {}
    for device in tf.config.list_physical_devices():
        details = tf.config.experimental.get_device_details(device)
        words = [str(details.get("device_name", platform.processor() or platform.machine()))]
        if "compute_capability" in details:
            words.append("compute capability {}.{}".format(*details["compute_capability"]))
        found[device.name] = ", ".join(words)
    return found


def _precision(tf):
    """Returns what inference uses, and what training would gain from."""
    kept = "inference float32"
    for device in tf.config.list_physical_devices("GPU"):
        capability = tf.config.experimental.get_device_details(device).get("compute_capability")
        if capability:
            faster = "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16"
            return f"{kept}; training gains from training.precision={faster} on this GPU"
    if _BFLOAT16 & _cpu_flags():
        return f"{kept}; training gains from training.precision=mixed_bfloat16 on this CPU"
    return f"{kept}, training float32; this CPU has no bfloat16 and no GPU was found"


def _cpu_flags():
    try:
        return set(pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return set()  # not Linux


def _models():
    found = {}
    for folder in sorted(p for p in saved.shipped().parent.glob("*/*") if p.name.isdigit()):
        name = f"{folder.parent.name}/{folder.name}"
        try:
            whole = f"whole, SHA-256 of its manifest {saved.load(folder).sha256}"
            found[name] = f"{saved.precision(folder)}, {whole}"
        except errors.ModelError as error:
            found[name] = f"damaged: {error}"
    return found
