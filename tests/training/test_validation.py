import json
import re

import numpy as np
import pytest

from ggngan_tf.data import nodules
from ggngan_tf.evaluation import radiomics
from ggngan_tf.training import loop, players, reports, state, step, validation
from tests.conftest import make_set
from tests.training.test_loop import stood_still
from tests.training.test_step import tiny


def parts(validation_rows, training_rows):
    rows = {"validation": validation_rows, "train": training_rows}
    return {name: make_set(40).take(np.arange(count)) for name, count in rows.items()}


def test_equal_features_are_at_distance_0_and_none_differs():
    table = np.random.default_rng(0).normal(size=(30, 93))
    found = validation.compare(table, table)
    assert found["frechet"] == pytest.approx(0, abs=1e-9) and found["differing"] == 0


def test_features_moved_by_a_width_are_at_distance_1_each():
    table = np.random.default_rng(0).normal(size=(30, 93))
    found = validation.compare(table, table + table.std(axis=0, ddof=1))
    assert found["frechet"] == pytest.approx(93)


def test_features_moved_by_two_widths_all_differ():
    table = np.random.default_rng(0).normal(size=(30, 93))
    assert validation.compare(table, table + 2 * table.std(axis=0, ddof=1))["differing"] == 1


def test_nodules_without_features_are_left_out_in_pairs():
    table = np.random.default_rng(0).normal(size=(30, 93))
    holed = table.copy()
    holed[3, 7] = np.nan
    assert validation.compare(table, holed)["frechet"] == pytest.approx(0, abs=1e-9)
    assert validation.compare(table[:1], table[:1])["frechet"] == np.inf


@pytest.mark.parametrize(
    ("held", "known", "sizes", "remark"),
    [
        (25, 8, [25], "25 validation nodules"),
        (3, 40, [3, 17], "3 validation nodules are too few .* 17 training nodules"),
        (0, 6, [6], "0 validation nodules are too few"),
        (0, 1, [], "needs 2 nodules"),
    ],
)
def test_too_few_validation_nodules_are_filled_up_and_it_is_said(held, known, sizes, remark):
    chosen = validation.choose(parts(held, known), tiny())
    assert [len(part) for part in chosen.judged] == sizes
    assert re.search(remark, chosen.remark)


@pytest.mark.parametrize(("held", "known", "count"), [(22, 30, 22), (3, 37, 20), (22, 21, None)])
def test_as_many_other_real_nodules_give_the_floor_and_none_is_judged_too(held, known, count):
    rows = {"validation": np.arange(held), "train": 40 - 1 - np.arange(known)}
    chosen = validation.choose({n: make_set(40).take(r) for n, r in rows.items()}, tiny())
    if count is None:
        assert chosen.others is None
        return
    judged = np.concatenate([part.patient_id for part in chosen.judged[-1:]])
    assert len(chosen.others) == count
    assert held == 22 or not set(judged) & set(chosen.others.patient_id)


def test_the_floor_is_the_distance_of_real_from_real():
    chosen = make_set(20, size=64)
    judge = validation.Judge(validation.Choice([chosen], chosen, ""), tiny())
    assert judge.floor["floor"] == pytest.approx(0, abs=1e-6)
    brighter = make_set(20, size=64, image=chosen.image + np.int16(300))
    other = validation.Judge(validation.Choice([chosen], brighter, ""), tiny())
    assert other.floor["floor"] > 1


def test_the_judge_sees_the_real_nodules_as_radiomics_does_and_repeats_itself():
    settings, chosen = tiny(), make_set(20, size=64)
    judge = validation.Judge(validation.Choice([chosen], None, ""), settings)
    image = np.clip(chosen.image, *settings.data.window)
    expected = radiomics.features(image, chosen.mask, chosen.pixel_spacing)
    np.testing.assert_allclose(judge.real, expected, rtol=1e-9)
    painter = players.make_networks(settings).average
    assert judge.figures(painter) == judge.figures(painter)


def test_of_those_below_what_real_nodules_score_the_newest_is_the_best(tmp_path, monkeypatch):
    nodules.write(make_set(8), tmp_path / "set.h5")
    settings = tiny(steps=12, validate_every=1, patience=3, averaging=0.0)
    figures = iter([5.0, 1.0, 1.5, 1.2, 2.5])

    def judged(self, painter):
        return {"frechet": next(figures), "differing": 0.5, "floor": 2.0}

    monkeypatch.setattr(validation.Judge, "figures", judged)
    monkeypatch.setattr(step.Trainer, "step", stood_still)
    loop.start(tmp_path / "set.h5", tmp_path / "run", settings, force=False)
    # No gain that means anything after the second: patience ends the run at the fifth.
    assert loop.train(tmp_path / "set.h5", tmp_path / "run", settings) == (5, True)
    run = state.State(settings, tmp_path / "run" / "checkpoints")
    assert run.restore(best=True) == 4


def test_the_best_is_kept_and_patience_ends_the_run(tmp_path, monkeypatch):
    nodules.write(make_set(8), tmp_path / "set.h5")
    settings = tiny(steps=12, validate_every=1, patience=2, averaging=0.0)
    figures = iter([5.0, 3.0, 4.0, 3.5, 1.0])

    def judged(self, painter):
        return {"frechet": next(figures), "differing": 0.5}

    monkeypatch.setattr(validation.Judge, "figures", judged)
    monkeypatch.setattr(step.Trainer, "step", stood_still)
    loop.start(tmp_path / "set.h5", tmp_path / "run", settings, force=False)
    assert loop.train(tmp_path / "set.h5", tmp_path / "run", settings) == (4, True)
    run = state.State(settings, tmp_path / "run" / "checkpoints")
    assert run.restore(best=True) == 2 and run.restore() == 4
    lines = [json.loads(s) for s in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line[reports.FIGURE] for line in lines] == [5.0, 3.0, 4.0, 3.5]
    # A run that goes on remembers what the best was.
    more = settings.model_copy(
        update={"training": settings.training.model_copy(update={"patience": 3})}
    )
    monkeypatch.setattr(validation.Judge, "figures", lambda *_: {"frechet": 3.2, "differing": 0.5})
    assert loop.train(tmp_path / "set.h5", tmp_path / "run", more) == (5, True)
