"""What is installed, what is missing and what will be used: for a user's first bug report."""

import importlib.metadata
import importlib.util
import platform

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


def examine() -> dict:
    """Returns versions, devices, the shipped generator and missing extras."""
    import tensorflow as tf

    devices = [device.name for device in tf.config.list_physical_devices()]
    return {
        "ggngan_tf": ggngan_tf.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "devices": devices,
        "models": _models(),
        "missing": {
            extra: f'{what}: pip install "ggngan_tf[{extra}]"'
            for extra, (module, what) in _EXTRAS.items()
            if importlib.util.find_spec(module) is None
        },
    }


def describe(found: dict) -> str:
    """Returns what `examine` found, as lines for people."""
    lines = [f"ggngan_tf {found['ggngan_tf']}, Python {found['python']}, {found['platform']}"]
    lines += [f"  {name} {version}" for name, version in found["packages"].items()]
    lines += ["devices: " + ", ".join(found["devices"])]
    lines += [f"model {name}: {state}" for name, state in found["models"].items()]
    lines += [f"missing, optional: {hint}" for hint in found["missing"].values()]
    return "\n".join(lines)


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _models():
    found = {}
    for folder in sorted(p for p in saved.shipped().parent.glob("*/*") if p.name.isdigit()):
        name = f"{folder.parent.name}/{folder.name}"
        try:
            found[name] = f"whole, manifest {saved.load(folder).sha256[:12]}"
        except errors.ModelError as error:
            found[name] = f"damaged: {error}"
    return found
