import json

from click.testing import CliRunner

from ggngan_tf import doctor
from ggngan_tf.cli import main
from ggngan_tf.synthesis import saved
from tests.synthesis import models_made


def models(tmp_path, monkeypatch):
    for number in ("1", "2"):
        models_made.write(tmp_path / "tiny" / number)
    (tmp_path / "tiny" / "2" / "model_card.md").write_text("changed")
    monkeypatch.setattr(saved, "shipped", lambda: tmp_path / "tiny")


def test_models_are_named_with_their_hash_and_a_changed_one_as_damaged(tmp_path, monkeypatch):
    models(tmp_path, monkeypatch)
    done = CliRunner().invoke(main.main, ["doctor", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert saved.load(tmp_path / "tiny" / "1").sha256 in found["models"]["tiny/1"]
    assert found["models"]["tiny/1"].startswith("float32, whole")
    assert "damaged" in found["models"]["tiny/2"] and "model_card.md" in found["models"]["tiny/2"]
    assert any("CPU" in name for name in found["devices"])
    assert found["precision"].startswith("inference float32")


def test_what_is_missing_comes_with_how_to_get_it(monkeypatch):
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor, "_models", dict)
    text = doctor.describe(doctor.examine())
    for words in ('pip install "ggngan_tf[serving]"', 'pip install "ggngan_tf[vtt]"', "gcc"):
        assert f"{words}" in text


def test_a_processor_with_bfloat16_is_told_to_train_with_it(monkeypatch):
    monkeypatch.setattr(doctor, "_cpu_flags", lambda: {"avx2", "amx_bf16"})
    assert "training.precision=mixed_bfloat16" in doctor.examine()["precision"]
