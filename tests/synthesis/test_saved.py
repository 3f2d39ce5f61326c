import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import config, errors
from ggngan_tf.synthesis import export, saved
from ggngan_tf.training import state
from tests.conftest import make_set

ALONE = """
import sys
sys.modules.update({"keras": None, "ggngan_tf": None})  # None: an import of it fails
import numpy as np
import tensorflow as tf
signature = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
image, mask = np.full((1, 90, 70, 1), -850, np.float32), np.zeros((1, 90, 70, 1), np.float32)
mask[0, 40:50, 30:45] = 1
out = signature(image=image, mask=mask, seed=np.int32([3]))["image"].numpy()
assert out.shape == image.shape and (out[mask == 0] == -850).all()
assert (out[mask == 1] != -850).any()
print("painted", int((out != -850).sum()))
"""


def test_the_model_loads_in_a_process_that_has_only_tensorflow(model_folder, tmp_path):
    (tmp_path / "alone.py").write_text(ALONE)
    command = [sys.executable, str(tmp_path / "alone.py"), str(model_folder / "1")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[0] == "painted"


def test_each_export_is_the_next_version(run_folder, tmp_path):
    made = [export.export(run_folder, tmp_path / "name").name for _ in range(2)]
    assert made == ["1", "2"]
    assert saved.load(tmp_path / "name").folder.name == "2"
    assert saved.load(tmp_path / "name" / "1").folder.name == "1"


def test_the_manifest_lists_every_file_with_its_hash(model_folder):
    folder = model_folder / "1"
    manifest = json.loads((folder / "manifest.json").read_text())
    kept = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == kept - {"manifest.json"}
    assert {"saved_model.pb", "config.yaml", "provenance.json"} <= kept


def test_what_is_painted_is_the_mask_and_its_rim(model_folder):
    nodules = make_set(3)
    image, hole = saved.load(model_folder).paint(
        nodules.image, nodules.mask, None, np.array([1, 2, 3])
    )
    assert image.dtype == np.int16 and np.array_equal(image[hole == 0], nodules.image[hole == 0])
    assert (hole >= nodules.mask).all()
    assert 0 < (hole.sum() - nodules.mask.sum()) / nodules.mask.sum() < 1.5


def test_one_seed_gives_one_nodule(model_folder):
    nodules, model = make_set(1), saved.load(model_folder)
    first, again, other = (
        model.paint(nodules.image, nodules.mask, None, np.array([seed]))[0] for seed in (5, 5, 6)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": np.zeros((1, 64, 64, 1))}, "at least one pixel"),
        ({"mask": np.ones((1, 32, 64, 1))}, "must have the shape of image"),
        ({"image": np.full((1, 64, 64, 1), np.nan)}, "finite HU"),
    ],
)
def test_bad_requests_fail_in_the_graph_with_words(model_folder, change, message):
    signature = saved.load(model_folder).signatures["serving_default"]
    inputs = {"image": np.full((1, 64, 64, 1), -800.0), "mask": np.ones((1, 64, 64, 1))} | change
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signature(
            image=tf.constant(inputs["image"], tf.float32),
            mask=tf.constant(inputs["mask"], tf.float32),
            seed=tf.constant([0]),
        )


def copied(model_folder, tmp_path) -> pathlib.Path:
    shutil.copytree(model_folder, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_changed_file_is_refused(model_folder, tmp_path):
    folder = copied(model_folder, tmp_path)
    with (folder / "1" / "config.yaml").open("a") as file:
        file.write("# changed\n")
    with pytest.raises(errors.ModelError, match=r"config\.yaml: missing, or not the file"):
        saved.load(folder)


def test_a_model_that_is_not_ours_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "other"))
    with pytest.raises(errors.ModelError, match="not a generator of this package"):
        saved.load(tmp_path / "other")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(errors.ModelError, match="holds no SavedModel"):
        saved.load(tmp_path)


def test_a_folder_that_is_not_a_run_is_not_exported(tmp_path):
    with pytest.raises(errors.TrainingError, match="not a run folder"):
        export.export(tmp_path, tmp_path / "out")


def test_the_shipped_generator_is_whole_and_small():
    folder = saved.load().folder
    assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) < 8e6


def test_the_best_checkpoint_is_exported_unless_the_newest_is_asked_for(
    run_folder, tmp_path, monkeypatch
):
    # What becomes of it is written down alone: the graph of the model is no matter here.
    monkeypatch.setattr(export.signatures, "save", lambda made, folder: None)
    monkeypatch.setattr(export.warmup, "write", lambda folder, name, names: None)
    run = shutil.copytree(run_folder, tmp_path / "run")
    trained = state.State(config.read(run / "config.yaml"), run / "checkpoints")
    trained.restore()
    trained.steps.assign(1)
    trained.save_best()
    found = []
    for newest in (False, True):
        version = export.export(run, tmp_path / "name", newest=newest)
        manifest = json.loads((version / "manifest.json").read_text())
        found.append((manifest["checkpoint"], manifest["steps"]))
    assert found == [("best", 1), ("newest", 2)]
    shutil.rmtree(run / "checkpoints" / state.BEST)
    version = export.export(run, tmp_path / "name")
    assert json.loads((version / "manifest.json").read_text())["checkpoint"] == "newest"
