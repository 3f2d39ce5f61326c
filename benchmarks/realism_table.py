"""The table of realism, filled with what was measured of one or more generators."""

import pathlib
from collections.abc import Mapping

from ggngan_tf import files

# judge, what the paper reports, goals repainted and inserted, whether more is better
_ROWS = (
    ("not_significant", "features of 93 at p >= 0.05", "58 (59 in Table 1)", (88, 80)),
    ("logistic", "logistic regression AUC, 4-fold", "0.66", (0.55, 0.60)),
    ("boosting", "gradient boosting on features, AUC", "-", (0.60, 0.68)),
    ("cnn", "CNN on the pixels, AUC", "-", (0.70, 0.75)),
    ("frd", "Fréchet radiomics distance over real-real", "-", (1.3, 2.0)),
    ("copies", "nearest-neighbour copies of training nodules", "-", (0, 0)),
    ("mean_ks", "mean KS distance over real-real", "-", (1.2, 1.6)),
    ("seam", "seam AUC (no goal)", "-", (None, None)),
    ("pooled_logistic", "logistic regression AUC, all seeds", "-", (None, None)),
    ("pooled_boosting", "gradient boosting AUC, all seeds", "-", (None, None)),
    ("pooled_mean_ks", "mean KS over real-real, all seeds", "-", (None, None)),
    ("pooled_frd", "Fréchet over real-real, all seeds", "-", (None, None)),
    ("cnn_surroundings", "CNN on the surroundings alone, AUC", "-", (None, None)),
)
_SETTINGS = ("repainted", "inserted")


def build(measured: Mapping[str, dict]) -> str:
    """Returns Markdown: a table for each part, rule and setting, a column for each generator.

    Args:
        measured: What `realism.py` wrote to `results.json`, by the generator's name.
    """
    parts = []
    for nodules in sorted({(one["part"], one["rule"]) for one in measured.values()}, reverse=True):
        for position, setting in enumerate(_SETTINGS):
            columns = {
                name: one[setting]
                for name, one in measured.items()
                if setting in one and (one["part"], one["rule"]) == nodules
            }
            if columns:
                columns |= _beside(measured, nodules)
                parts.append(_one(setting, position, columns, nodules))
    return "\n\n".join(parts)


def _beside(measured, nodules):
    """Returns the column of real nodules of training patients, if they were judged."""
    found = [
        one["real"]
        for one in measured.values()
        if "real" in one and (one["part"], one["rule"]) == nodules
    ]
    return {"real nodules of training patients": found[-1]} if found else {}


def fill(page: pathlib.Path, text: str, name: str = "measured") -> None:
    """Puts `text` between the two marks of a page that bear `name`.

    Raises:
        ValueError: The page lacks the marks.
        OutputError: It cannot be written.
    """
    old = page.read_text(encoding="utf-8")
    marks = [f"<!-- {name}: {side} -->" for side in ("begin", "end")]
    before, begin, rest = old.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not (begin and end):
        raise ValueError(
            f"{page}: has no lines {marks[0]} and {marks[1]}; put them where the table goes."
        )
    files.write_text(page, f"{before}{begin}\n{text}\n{end}{after}")


def figure(found: dict, judge: str) -> tuple[float, str] | None:
    """Returns a judge's figure and its text with the interval; None where it was not asked.

    Areas have DeLong's interval; counts and distances have the least and the most of the seeds.
    """
    if judge in ("logistic", "boosting", "cnn", "cnn_surroundings"):
        return _area(found[judge]) if judge in found else None
    if judge.startswith("pooled_"):
        name = judge.removeprefix("pooled_")
        if name in ("logistic", "boosting"):
            # Bootstrapped over patients: seeds of one place are no independent cases.
            return _area(found["pooled"][name], "auc_ci_bootstrap")
        value = found["pooled"]["over_real_vs_real"][name]
        return value, f"{value:.2f}"
    if judge == "seam":
        each = found["seam"]["each"]
        value = sum(each) / len(each)
        return value, f"{value:.2f} ({min(each):.2f} to {max(each):.2f})"
    if judge == "copies":
        if "memorisation" not in found:
            return None
        one = found["memorisation"]
        return one["copies"], f"{one['copies']} of {one['nodules']}"
    whole = judge == "not_significant"
    one = found[judge] if whole else found["over_real_vs_real"][judge]
    form = ".0f" if whole else ".2f"
    return one["mean"], f"{one['mean']:{form}} ({one['low']:{form}} to {one['high']:{form}})"


def _one(setting, position, columns, nodules):
    first = next(iter(columns.values()))
    sizes = first["sizes"]
    heads = ["judge", "paper", "real against real", "goal", *columns]
    lines = [
        f"**{setting.capitalize()}**: {sizes['real']} real against {sizes['synthetic']} synthetic "
        f"nodules, {sizes['seeds']} seeds; {nodules[0]} patients, rule `{nodules[1]}`.",
        "",
        "| " + " | ".join(heads) + " |",
        "| " + " | ".join(["---"] * len(heads)) + " |",
    ]
    for judge, words, paper, goals in _ROWS:
        goal = goals[position]
        cells = [figure(one, judge) for one in columns.values()]
        if all(cell is None for cell in cells):
            continue
        shown = [_cell(cell, goal, judge) for cell in cells]
        lines.append(
            "| "
            + " | ".join([words, paper, _equal(first, judge), _goal(goal, judge), *shown])
            + " |"
        )
    return "\n".join(lines)


def _area(verdict, interval="auc_ci"):
    low, high = verdict[interval]
    return verdict["auc"], f"{verdict['auc']:.2f} ({low:.2f} to {high:.2f})"


def _equal(found, judge):
    name = judge.removeprefix("pooled_")
    equals = found["pooled"]["real_vs_real"] if judge != name else found["real_vs_real"]
    if name in ("mean_ks", "frd"):
        spread = equals[name]
        relative = [spread[end] / spread["mean"] for end in ("low", "high")]
        return f"1 ({relative[0]:.2f} to {relative[1]:.2f})"
    key = name if name in equals else f"auc_{name}"
    if key not in equals:
        return "none" if judge == "copies" else "-"
    spread, form = equals[key], ".0f" if name == "not_significant" else ".2f"
    return f"{spread['mean']:{form}} ({spread['low']:{form}} to {spread['high']:{form}})"


def _goal(goal, judge):
    if goal is None:
        return "-"
    if judge == "copies":
        return "none"
    return f">= {goal}" if judge == "not_significant" else f"<= {goal:g}"


def _cell(cell, goal, judge):
    if cell is None:
        return "-"
    value, text = cell
    if goal is None:
        return text
    met = round(value) >= goal if judge == "not_significant" else round(value, 2) <= goal
    return f"**{text}**" if met else text
