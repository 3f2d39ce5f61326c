import json

import pytest

from ggngan_tf.data import nodules
from ggngan_tf.study import cost
from tests.study import made


@pytest.fixture
def data(tmp_path):
    nodules.write(made.nodule_set(4), tmp_path / "set.h5")
    return tmp_path / "set.h5"


def test_a_resnets_multiplications_worked_out_by_hand():
    # 64 to 32 pixels: 1024 x 9 x 4 for the stem; two convolutions of 4 to 4 channels.
    assert cost._resnet_gmac((4,), 1, 64) * 1e9 == 1024 * 9 * 4 + 1024 * 9 * 4 * (4 + 4)


def test_no_schedule_ends_before_its_longest_chain(data, tmp_path):
    plan = cost.plan(made.study(), data, tmp_path / "out", jobs=1000)
    chain = ["subset-050-s0", "gan-050-s0", "synthetic-050-s0", "classifier-050-s0-synthetic"]
    assert plan.seconds >= sum(plan.core_seconds[name] for name in chain) - 1e-6
    alone = cost.plan(made.study(), data, tmp_path / "out", jobs=1)
    assert alone.seconds == pytest.approx(sum(alone.core_seconds.values()))


def test_more_steps_cost_more(data, tmp_path):
    small, large = (
        cost.plan(made.study(gan=made.study().gan.model_copy(update={"steps": s})), data, tmp_path)
        for s in (10, 1000)
    )
    assert large.seconds > small.seconds


def test_what_is_done_costs_nothing_more_and_tells_the_pace(data, tmp_path):
    first = cost.plan(made.study(), data, tmp_path)
    task = next(t for t in first.tasks if t.name == "classifier-050-s0-real")
    (tmp_path / task.folder).mkdir(parents=True)
    seconds = 10 * first.core_seconds[task.name]
    (tmp_path / task.folder / "done.json").write_text(
        json.dumps({"key": task.key, "seconds": seconds})
    )
    again = cost.plan(made.study(), data, tmp_path)
    assert task.name not in again.left and len(again.left) == len(first.left) - 1
    other = "classifier-100-s0-real"
    assert again.core_seconds[other] == pytest.approx(10 * first.core_seconds[other])
    assert "done" in again.text() and again.summary()["left"] == len(again.left)
