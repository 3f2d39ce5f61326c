import pathlib
import shutil
import subprocess

import pytest
import tensorflow as tf

from tests.synthesis import models_made

SOURCE = pathlib.Path(__file__).with_name("serve.c")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    compiler = shutil.which("gcc") or shutil.which("cc")
    include, libraries = pathlib.Path(tf.sysconfig.get_include()), tf.sysconfig.get_lib()
    if compiler is None:
        pytest.skip("no C compiler is here (gcc or cc)")
    if not (include / "tensorflow/c/c_api.h").exists():
        pytest.skip(f"this TensorFlow came without its C headers: {include}")
    out = tmp_path_factory.mktemp("c") / "serve"
    names = ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
    where = [f"-I{include}", f"-L{libraries}", f"-Wl,-rpath,{libraries}"]
    done = subprocess.run(
        [compiler, "-Wall", "-Werror", str(SOURCE), "-o", str(out), *where, *names],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out


def test_a_c_program_loads_and_runs_the_model_as_tensorflow_serving_does(program, tmp_path):
    folder = tmp_path / "tiny" / "1"
    models_made.write(folder)
    message = tf.compat.v1.saved_model.loader.load
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signature = message(session, ["serve"], str(folder)).signature_def["serving_default"]
    names = [signature.inputs[key].name for key in ("image", "mask", "seed")]
    names.append(signature.outputs["image"].name)
    done = subprocess.run([str(program), str(folder), *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    inside, outside = map(int, done.stdout.split())
    assert inside > 140 and outside == 0
