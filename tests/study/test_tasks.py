import json

from ggngan_tf.study import settings, tasks
from tests.study import made

STUDY = made.study()


def keys(study, data="0" * 64):
    return {task.name: task.key for task in tasks.build(study, data)}


def changed(study, data="0" * 64):
    """Names of tasks that would be done anew."""
    before, after = keys(STUDY), keys(study, data)
    return {name for name, key in after.items() if before.get(name) != key}


def kinds(names):
    return {name.split("-")[0] for name in names}


def test_each_task_comes_after_what_it_needs():
    graph = tasks.build(STUDY, "0" * 64)
    seen = set()
    for task in graph:
        assert set(task.inputs.values()) <= seen
        seen.add(task.name)
    assert len(seen) == len(graph) == 2 + 2 * (1 + 1 + 1 + 1 + 4)


def test_a_changed_classifier_leaves_gans_and_nodules_alone():
    other = STUDY.model_copy(
        update={"classifier": STUDY.classifier.model_copy(update={"steps": 9})}
    )
    assert kinds(changed(other)) == {"classifier"}


def test_a_changed_gan_does_anew_what_it_paints_and_who_learns_from_it():
    other = STUDY.model_copy(update={"gan": STUDY.gan.model_copy(update={"steps": 3})})
    names = changed(other)
    assert kinds(names) == {"gan", "synthetic", "classifier"}
    assert all(n.endswith("-synthetic") for n in names if n.startswith("classifier"))


def test_another_percentage_adds_tasks_and_changes_none():
    other = STUDY.model_copy(update={"percentages": (25.0, 50.0, 100.0)})
    assert all("-025-" in name for name in changed(other))


def test_another_seed_adds_tasks_and_changes_none():
    names = changed(STUDY.model_copy(update={"seeds": 2}))
    assert names and all("-s1" in name for name in names)


def test_another_test_set_or_other_pixels_change_everything():
    other = STUDY.model_copy(update={"split": settings.Split(seed=1)})
    assert changed(other) == set(keys(STUDY))
    assert changed(STUDY, "1" * 64) == set(keys(STUDY))


def test_more_code_versions_change_their_kind(monkeypatch):
    before = keys(STUDY)
    monkeypatch.setitem(tasks.VERSIONS, "copy_paste", 99)
    after = keys(STUDY)
    assert {n for n in after if after[n] != before[n]} == {
        "copy_paste-050-s0",
        "copy_paste-100-s0",
        "classifier-050-s0-copy_paste",
        "classifier-100-s0-copy_paste",
    }


def test_a_warm_gan_goes_on_from_the_next_smaller_subset_of_its_seed():
    warm = STUDY.model_copy(
        update={"gan": STUDY.gan.model_copy(update={"more_steps": 5}), "seeds": 2}
    )
    graph = {task.name: task for task in tasks.build(warm, "0" * 64)}
    assert "before" not in graph["gan-050-s1"].inputs
    assert graph["gan-100-s1"].inputs["before"] == "gan-050-s1"
    assert graph["gan-100-s1"].settings["gan"]["training"]["steps"] == 2 + 5
    assert "before" not in {t.name: t for t in tasks.build(STUDY, "0")}["gan-100-s0"].inputs


def test_seeds_that_share_an_order_share_its_gans():
    shared = STUDY.model_copy(update={"seeds": 3, "orders": 1})
    names = [task.name for task in tasks.build(shared, "0" * 64)]
    assert sum(name.startswith("gan-") for name in names) == 2
    assert sum(name.startswith("classifier-") for name in names) == 3 * 2 * 4
    assert changed(STUDY.model_copy(update={"orders": 1})) == set()


def test_each_ratio_is_an_arm_of_its_own():
    study = STUDY.model_copy(update={"synthesis": settings.Synthesis(ratios=(1.0, 0.5, 4.0))})
    names = [name for name, _, _ in tasks.arms(study)]
    assert "synthetic" in names and "synthetic@0.5" in names and "copy_paste@4" in names


def test_a_study_without_added_nodules_trains_no_gan():
    study = STUDY.model_copy(update={"arms": ("plain", "real")})
    assert kinds(keys(study)) == {"validation", "test", "subset", "classifier"}


def test_a_task_is_done_when_its_folder_bears_its_key(tmp_path):
    task = tasks.build(STUDY, "0" * 64)[0]
    assert not tasks.is_done(task, tmp_path)
    (tmp_path / task.folder).mkdir(parents=True)
    done = tmp_path / task.folder / "done.json"
    done.write_text('{"key": "of an')
    assert not tasks.is_done(task, tmp_path)
    done.write_text(json.dumps({"key": task.key}))
    assert tasks.is_done(task, tmp_path)
