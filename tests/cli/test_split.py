import json

from click.testing import CliRunner

from ggngan_tf import config
from ggngan_tf.cli import main
from ggngan_tf.data import nodules
from ggngan_tf.training import loop
from tests.conftest import make_set


def test_a_set_is_split_as_training_splits_it(tmp_path):
    nodules.write(make_set(40, size=48), tmp_path / "set.h5")
    out = tmp_path / "parts"
    done = CliRunner().invoke(
        main.main, ["split", str(tmp_path / "set.h5"), "--out", str(out), "--json"]
    )
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    parts = loop.read_parts(tmp_path / "set.h5", config.Config())
    for name in ("train", "validation", "test"):
        part = parts[name]
        written = nodules.read(out / f"{name}.h5")
        assert written.patient_id.tolist() == part.patient_id.tolist()
        assert said[name] == len(part) > 0
