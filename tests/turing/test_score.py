import json

import numpy as np
import pandas as pd
import pytest

from ggngan_tf import errors
from ggngan_tf.turing import design as design_
from ggngan_tf.turing import documents, mrmc, pack, plan, readings, score, simulate


def unblinded(rows, columns=("reader", "case", "rating", "real")):
    """Returns readings with the key's word, from (reader, case, rating, real)."""
    table = pd.DataFrame(rows, columns=columns)
    table["occasion"], table["seconds"] = 1, 10.0
    table["position"] = table.groupby("reader").cumcount() + 1
    return table


HAND = unblinded(
    [
        ("A", "c1", 1, False),
        ("A", "c2", 3, False),
        ("A", "c3", 4, True),
        ("A", "c4", 2, True),
        ("A", "c5", 4, True),
    ]
)


def test_a_reading_worked_out_by_hand():
    found = score.summary(HAND)
    assert found["distribution"] == {"real": [0, 1, 0, 2], "synthetic": [1, 0, 1, 0]}
    assert found["confusion"] == {
        "real_called_real": 2,
        "real_called_fake": 1,
        "synthetic_called_real": 1,
        "synthetic_called_fake": 1,
    }
    assert found["accuracy"]["share"] == 0.6
    # Pairs real over synthetic: 4 > 1, 4 > 3, 2 > 1, 2 < 3, 4 > 1, 4 > 3.
    assert found["auc"]["value"] == pytest.approx(5 / 6)
    assert found["auc"]["delong"][0] < 5 / 6 < found["auc"]["delong"][1]


def test_the_papers_counts_give_37_16_and_22_percent_of_51():
    found = score.judged_real([14, 18, 11, 8])  # 32 fake: the paper does not say how they divide
    percent = {name: round(100 * part["share"]) for name, part in found.items()}
    assert percent == {"judged_real": 37, "confident": 16, "leaning": 22}
    assert found["judged_real"]["count"] == 19 and found["judged_real"]["of"] == 51
    low, high = found["judged_real"]["low"], found["judged_real"]["high"]
    assert (round(low, 3), round(high, 3)) == (0.253, 0.510)  # Wilson, by hand


def test_time_and_accuracy_by_quarter_show_learning():
    rows = [("A", f"c{i}", 4 if i % 2 or i < 4 else 1, bool(i % 2)) for i in range(16)]
    table = unblinded(rows)
    table["seconds"] = np.linspace(30, 15, 16)
    found = score.learning(table)
    assert found["accuracy_by_quarter"] == [0.5, 1.0, 1.0, 1.0]
    assert found["seconds_trend"]["rho"] == pytest.approx(-1)
    assert found["seconds_by_quarter"][0] > found["seconds_by_quarter"][3]


def test_perfect_readers_reach_one_and_blind_ones_half():
    random = np.random.default_rng(0)
    truth = np.arange(200) % 2 == 0
    keen = simulate.rate(truth, 5, simulate.Skill(auc=0.999, reader_sd=0, bias=0.0), random)[0]
    assert mrmc.auc_table(keen[None], truth).mean() > 0.98
    blind = simulate.rate(truth, 40, simulate.Skill(auc=0.5, reader_sd=0, case=0), random)[0]
    assert mrmc.auc_table(blind[None], truth).mean() == pytest.approx(0.5, abs=0.02)


def test_a_repeat_shares_the_case_but_not_the_look():
    random = np.random.default_rng(0)
    truth = np.arange(2000) % 2 == 0
    skill = simulate.Skill(auc=0.7, case=0.6, reader_case=0.4)
    first, second = simulate.rate(truth, 2, skill, random, occasions=2)
    np.testing.assert_array_equal(first, second)  # nothing is left for each look
    assert 0.05 < np.mean(first[0] != first[1]) < 0.9


@pytest.fixture(scope="module")
def packed(sets, tmp_path_factory):
    design = pack.settings(
        real=20, synthetic=20, batches=2, readers=4, layout="crossed", repeats=6, training=2
    )
    return pack.pack(*sets, tmp_path_factory.mktemp("scored") / "study", design, seed=5)


@pytest.fixture(scope="module")
def key(packed):
    return documents.read_key(packed.key, packed.study.study_id, packed.study.commitment)


def test_a_simulated_study_is_scored_whole_and_as_json(packed, key):
    table = simulate.read_study(packed.study, key, simulate.Skill(auc=0.8), seed=3)
    assert len(table) == 4 * (40 + 12)
    found = score.score(readings.unblind(table, key))
    json.dumps(found, allow_nan=False)
    assert set(found["readers"]) == {f"reader-{i}" for i in range(1, 5)}
    assert all(r["cases"] == 40 for r in found["readers"].values())
    assert found["pooled"]["readings"] == 160 and found["pooled"]["auc"]["delong"] is None
    assert len(found["agreement"]["pairs"]) == 6
    assert all(r["cases"] == 12 for r in found["agreement"]["repeats"].values())
    areas = [r["auc"]["value"] for r in found["readers"].values()]
    assert found["mrmc"]["obuchowski_rockette"]["value"] == pytest.approx(np.mean(areas))
    assert found["notes"] == []


def test_readings_survive_csv_and_a_filled_in_sheet_gives_the_same(packed, key, tmp_path):
    table = simulate.read_study(packed.study, key, simulate.Skill(), seed=3)
    readings.write(table, tmp_path / "export.csv")
    again = readings.read(tmp_path / "export.csv", packed.study)
    pd.testing.assert_frame_equal(again, table, check_dtype=False)
    for suffix in ("csv", "xlsx"):
        path = tmp_path / f"sheet.{suffix}"
        fill_in(packed, table, path)
        filled = readings.read(path, packed.study)
        order = ["reader", "case", "occasion"]
        pd.testing.assert_frame_equal(
            filled.sort_values(order)[[*order, "rating"]].reset_index(drop=True),
            table.sort_values(order)[[*order, "rating"]].reset_index(drop=True),
            check_dtype=False,
        )


def fill_in(packed, table, path):
    """Writes the pack's sheet as four people would fill it in, one below the other, in words."""
    blank = pd.read_csv(packed.folder / "answers.csv", dtype=str, keep_default_na=False)
    given = table.set_index(["reader", "case", "occasion"])["rating"]
    sheets = []
    for reader in sorted(set(table["reader"])):
        sheet, seen = blank.copy(), {}
        for i, (batch, position) in enumerate(zip(sheet.batch, sheet.position, strict=True)):
            case = packed.study.batches[int(batch) - 1].order[int(position) - 1]
            seen[case] = seen.get(case, 0) + 1
            sheet.loc[i, "rating"] = design_.CLASSES[given[reader, case, seen[case]] - 1]
        sheets.append(sheet.assign(reader=reader))
    both = pd.concat(sheets)
    both.to_csv(path, index=False) if path.suffix == ".csv" else both.to_excel(path, index=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reader,batch,position\nA,1,1\n", "column rating is missing"),
        ("reader,batch,position,rating\nA,1,1,7\n", r"line 2: rating is '7'"),
        ("reader,batch,position,rating\nA,9,1,3\n", r"line 2: batch 9, position 1 is not in"),
        ("reader,batch,position,rating\n,1,1,3\n", r"line 2: reader is empty"),
        ("reader,batch,position,rating\nA,1,1,3\nA,1,1,4\n", r"line 3: A has rated this case"),
        ("reader,batch,position,rating\nA,1,1,\n", "no line has a rating"),
        ("reader,case,rating\nA,zzz,3\n", "case 'zzz' is not in the study"),
    ],
)
def test_a_faulty_sheet_is_refused_with_its_line(packed, tmp_path, text, message):
    (tmp_path / "answers.csv").write_text(text)
    with pytest.raises(errors.ReadingError, match=message):
        readings.read(tmp_path / "answers.csv", packed.study)


def test_something_that_is_not_a_table_is_refused(packed, tmp_path):
    (tmp_path / "answers.xlsx").write_bytes(b"PK\x03\x04 no spreadsheet")
    with pytest.raises(errors.ReadingError, match="cannot be read"):
        readings.read(tmp_path / "answers.xlsx", packed.study)


def test_one_reader_alone_is_scored_with_a_note(packed, key):
    table = simulate.read_study(packed.study, key, simulate.Skill(), seed=3)
    alone = readings.unblind(table[table["reader"] == "reader-1"], key)
    found = score.score(alone)
    assert found["mrmc"] is None
    assert "found 1 reader" in found["notes"][0]


def test_more_cases_or_readers_narrow_the_interval_and_it_covers_the_truth():
    skill = simulate.Skill(auc=0.75)
    small = plan.operate(20, 4, skill, rounds=150)
    more_cases = plan.operate(80, 4, skill, rounds=150)
    more_readers = plan.operate(20, 12, skill, rounds=150)
    assert more_cases["width"] < small["width"] > more_readers["width"]
    assert more_cases["power"] > small["power"]
    assert 0.88 <= small["coverage"] <= 1.0  # 95% less four standard errors of 150 studies


def test_a_plan_reaches_its_goal_and_one_case_in_ten_less_does_not():
    skill, goal = simulate.Skill(auc=0.7), plan.Goal(width=0.25)
    (row,) = plan.plan(goal, [6], skill, rounds=60)
    assert row["width"] <= 0.25
    fewer = plan.operate(int(row["cases"] * 0.85), 6, skill, rounds=60)
    assert fewer["width"] > 0.25


def test_a_goal_out_of_reach_says_so():
    (row,) = plan.plan(plan.Goal(width=0.001), [2], simulate.Skill(), rounds=5)
    assert row["cases"] is None
    with pytest.raises(errors.ReadingError, match="a width or a power"):
        plan.Goal()
