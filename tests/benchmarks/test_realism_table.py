import numpy as np
import pytest
import realism_figures
import realism_table

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def spread(mean):
    return {"mean": mean, "low": mean / 2, "high": 2 * mean}


def area(value):
    ends = [value - 0.1, value + 0.1]
    return {"auc": value, "auc_ci": ends, "auc_ci_bootstrap": ends}


@pytest.fixture
def measured():
    equals = {name: spread(2.0) for name in ("mean_ks", "frd")} | {
        "not_significant": spread(91),
        "auc_logistic": spread(0.48),
        "auc_boosting": spread(0.5),
    }
    ratios = {"mean_ks": spread(1.2), "frd": spread(1.31)}
    one = {
        "sizes": {"real": 31, "synthetic": 31, "seeds": 7},
        "not_significant": spread(88),
        "logistic": area(0.55),
        "boosting": area(0.71),
        "over_real_vs_real": ratios,
        "real_vs_real": equals,
        "pooled": {
            "logistic": area(0.6),
            "boosting": area(0.6),
            "over_real_vs_real": {"mean_ks": 1.3, "frd": 1.4},
            "real_vs_real": equals,
        },
        "seam": {"each": [0.6, 0.8]},
        "memorisation": {"copies": 0, "nodules": 217},
    }
    return {"part": "test", "rule": "mean", "repainted": one}


def test_goals_that_are_met_are_printed_in_bold(measured):
    lines = realism_table.build({"shipped": measured}).splitlines()
    cells = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in lines}
    assert cells["features of 93 at p >= 0.05"][3:] == [">= 88", "**88 (44 to 176)** |"]
    assert cells["logistic regression AUC, 4-fold"][4] == "**0.55 (0.45 to 0.65)** |"
    assert cells["gradient boosting on features, AUC"][4] == "0.71 (0.61 to 0.81) |"
    assert cells["mean KS distance over real-real"][4] == "**1.20 (0.60 to 2.40)** |"
    assert cells["Fréchet radiomics distance over real-real"][4] == "1.31 (0.66 to 2.62) |"
    assert cells["nearest-neighbour copies of training nodules"][4] == "**0 of 217** |"
    assert cells["features of 93 at p >= 0.05"][2] == "91 (46 to 182)"
    assert "CNN on the pixels, AUC" not in cells
    assert "31 real against 31 synthetic nodules, 7 seeds; test patients" in lines[0]


def test_each_generator_gets_a_column(measured):
    text = realism_table.build({"paper": measured, "shipped": measured})
    assert "| goal | paper | shipped |" in text


def test_real_nodules_that_were_judged_stand_in_the_last_column_of_each_table(measured):
    beside = {"part": "test", "rule": "mean", "real": measured["repainted"]}
    text = realism_table.build({"shipped": measured, "beside": beside})
    assert "| goal | shipped | real nodules of training patients |" in text
    assert text.count("**Repainted**") == 1


def test_nodules_of_another_rule_get_a_table_of_their_own(measured):
    text = realism_table.build({"shipped": measured, "again": measured | {"rule": "any"}})
    assert text.count("**Repainted**") == 2
    assert "| goal | shipped |" in text and "| goal | again |" in text
    assert text.index("rule `mean`") < text.index("rule `any`")


def test_the_page_keeps_what_stands_around_the_table(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    realism_table.fill(page, "new")
    assert page.read_text() == (f"before\n{BEGIN}\nnew\n{END}\nafter\n")


def test_a_page_without_marks_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("text")
    with pytest.raises(ValueError, match="put them where the table goes"):
        realism_table.fill(page, "new")
    assert page.read_text() == "text"


def test_the_gallery_and_its_key_show_the_same_windows_in_the_same_order(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(realism_figures, "_write", lambda d, path: drawn.update({path.name: d}))
    random = np.random.default_rng(0)
    real, synthetic = (random.normal(-800, 50, (3, 71, 71)) for _ in range(2))
    realism_figures.gallery(real, synthetic, tmp_path)
    shown, key = (
        [a for a in drawn[n].axes if a.images] for n in ("gallery.png", "gallery-key.png")
    )
    assert [a.get_title() for a in shown] == ["1", "2", "3", "4", "5", "6"]
    names = [a.get_title().split()[1] for a in key]
    assert sorted(names) == ["real"] * 3 + ["synthetic"] * 3
    for first, second, name in zip(shown, key, names, strict=True):
        window = first.images[0].get_array()
        np.testing.assert_array_equal(window, second.images[0].get_array())
        own = real if name == "real" else synthetic
        middles = [float(np.sum(one[3:67, 3:67])) for one in own]
        assert np.isclose(window.sum(), middles).any()
