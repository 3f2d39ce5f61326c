import pytest

from ggngan_tf.data import nodules
from ggngan_tf.synthesis import export
from ggngan_tf.training import loop
from tests.conftest import make_set
from tests.training.test_step import tiny


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A run of two steps of very small networks."""
    folder = tmp_path_factory.mktemp("run")
    nodules.write(make_set(8), folder / "set.h5")
    settings = tiny(steps=2, checkpoint_every=2)
    loop.start(folder / "set.h5", folder / "run", settings, force=False)
    loop.train(folder / "set.h5", folder / "run", settings)
    return folder / "run"


@pytest.fixture(scope="session")
def model_folder(run_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "tiny"
    export.export(run_folder, out)
    return out
