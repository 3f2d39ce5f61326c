import json

import pytest

from ggngan_tf import errors
from ggngan_tf.data import nodules
from ggngan_tf.study import engine, leakage, splitting, tasks, work
from tests.study import made

STUDY = made.study(arms=("real", "copy_paste"))


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """A study's sets, subsets and copied nodules; no network."""
    out = tmp_path_factory.mktemp("study")
    data = out / "data.h5"
    nodules.write(made.nodule_set(40), data)
    graph = [t for t in tasks.build(STUDY, "0" * 64) if t.kind != "classifier"]
    outcome = engine.run(graph, out, data, perform=work.perform)
    assert not outcome.failed, outcome.failed
    return graph, out


def lineage(graph, out, name):
    (task,) = (t for t in graph if t.name == name)
    return out / task.folder / "lineage.json"


def test_no_held_out_pixel_is_read_by_what_learns(studied):
    found = leakage.check(*studied)
    assert found["shared"] == 0 and found["tasks"] == 4
    assert found["held_out_patients"] == 12 + 4 and found["held_out_images"] == 2 * 16
    assert found["images"] == 2 * 24


def test_every_image_of_a_subset_is_a_training_patients_own(studied):
    graph, out = studied
    whole = made.nodule_set(40)
    owner = dict(zip(work.pixel_hashes(whole), whole.patient_id, strict=True))
    for task in (t for t in graph if t.kind == "subset"):
        read = json.loads(lineage(graph, out, task.name).read_text())
        assert {owner[digest] for digest in read["pixels"]} == set(read["patients"])


@pytest.mark.parametrize("kind", ["patients", "pixels"])
def test_a_planted_leak_is_found(studied, kind):
    graph, out = studied
    path = lineage(graph, out, "copy_paste-050-s0")
    before = path.read_text()
    held = json.loads(lineage(graph, out, "test").read_text())[kind][0]
    read = json.loads(before)
    path.write_text(json.dumps(read | {kind: [*read[kind], held]}))
    with pytest.raises(errors.TrainingError, match=f"copy_paste-050-s0: 1 of its {kind} are in"):
        leakage.check(graph, out)
    path.write_text(before)


def test_a_subset_outside_the_larger_one_is_found(studied):
    graph, out = studied
    path = lineage(graph, out, "subset-050-s0")
    before = path.read_text()
    path.write_text(json.dumps({"patients": ["stranger"], "pixels": []}))
    with pytest.raises(errors.TrainingError, match="does not lie within subset-100-s0"):
        leakage.check(graph, out)
    path.write_text(before)


def test_two_names_for_one_image_are_no_way_around(tmp_path):
    whole = made.nodule_set(40)
    split = splitting.split(whole, STUDY)
    parts = {name: splitting.rows(whole, getattr(split, name))[0] for name in ("train", "test")}
    whole.image[parts["train"]] = whole.image[parts["test"]]
    nodules.write(whole, tmp_path / "data.h5")
    graph = [t for t in tasks.build(STUDY, "0" * 64) if t.kind in ("held", "subset")]
    engine.run(graph, tmp_path, tmp_path / "data.h5", perform=work.perform)
    with pytest.raises(errors.TrainingError, match="1 of its pixels are in the test part"):
        leakage.check(graph, tmp_path)


def test_other_pixels_of_test_patients_leave_every_subset_and_copy_as_it_is(studied, tmp_path):
    graph, out = studied
    whole = made.nodule_set(40)
    (test,) = (t for t in graph if t.name == "test")
    held = set(nodules.read(out / test.folder / "set.h5").patient_id)
    changed = [name in held for name in whole.patient_id]
    whole.image[changed] += 100
    nodules.write(whole, tmp_path / "data.h5")
    engine.run(graph, tmp_path, tmp_path / "data.h5", perform=work.perform)
    for task in graph:
        same = (tmp_path / task.folder / "lineage.json").read_bytes() == (
            out / task.folder / "lineage.json"
        ).read_bytes()
        assert same == (task.name != "test")
