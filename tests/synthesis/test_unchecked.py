from click.testing import CliRunner

from ggngan_tf.cli import main
from ggngan_tf.data import nodules
from tests.conftest import make_set
from tests.synthesis import models_made


def test_a_changed_model_paints_only_when_told_so(tmp_path):
    models_made.write(tmp_path / "tiny" / "1")
    (tmp_path / "tiny" / "1" / "model_card.md").write_text("changed")
    nodules.write(make_set(1), tmp_path / "set.h5")
    given = ["generate", tmp_path / "set.h5", "--model", tmp_path / "tiny", "--out"]
    for flags, code, made in (([], 1, False), (["--unchecked"], 0, True)):
        out = tmp_path / f"{code}.h5"
        done = CliRunner().invoke(main.main, [str(a) for a in [*given, out, *flags]])
        assert (done.exit_code, out.exists()) == (code, made), done.output
        assert ("model_card.md: missing, or not the file" in done.output) != made
