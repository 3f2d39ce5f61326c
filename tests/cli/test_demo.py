import json

from click.testing import CliRunner

from ggngan_tf.cli import main
from ggngan_tf.data import dicom, nodules


def test_the_demo_needs_nothing_and_writes_all(tmp_path):
    out = tmp_path / "demo"
    done = CliRunner().invoke(main.main, ["demo", "--out", str(out), "--count", "2"])
    assert done.exit_code == 0, done.output
    page = (out / "report.html").read_text()
    assert page.count("data:image/png") >= 1 + 2 * 2 + 2 and "http" not in page.split("<body")[1]
    assert len(dicom.read_series(out / "synthetic" / "series")) == len(
        dicom.read_series(out / "scan")
    )
    assert nodules.read(out / "repainted.h5").synthetic
    assert not nodules.read(out / "nodules.h5").synthetic
    assert (out / "synthetic" / "masks.dcm").exists()


def test_the_doctor_finds_the_shipped_generator_whole():
    done = CliRunner().invoke(main.main, ["doctor", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert any(state.startswith("float32, whole") for state in found["models"].values())
    assert found["packages"]["tensorflow"][0].isdigit()
