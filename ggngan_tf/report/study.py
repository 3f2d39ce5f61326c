"""The page of a study: does adding synthetic nodules help a classifier?"""

import pathlib
from typing import Any

from ggngan_tf import files
from ggngan_tf.report import blocks, curves

_WORDS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "auc": "AUC",
    "average_precision": "average precision",
}
_ARMS = {
    "plain": "the real nodules as they are, no augmentation",
    "real": "the real nodules, augmented (shifts, flips, right angles, intensities, noise)",
    "weighted": "as real; both classes weigh alike in the loss",
    "oversampled": "as real; as many GGNs as others in each batch",
    "copy_paste": "as real, and real GGNs copied into the place of other nodules",
    "synthetic": "as real, and GGNs painted by a GAN that learnt from the same subset",
    "synthetic_oversampled": "as synthetic; as many GGNs of both kinds as others in each batch",
}


def write(results: dict[str, Any], out: pathlib.Path) -> pathlib.Path:
    """Writes `report.html` and the figures as PNG, and returns the page's path.

    Args:
        results: As `study.runner.results` returns them.
        out: Folder.

    Raises:
        OutputError: The folder cannot be written to.
    """
    for name, drawn, zero in _figures(results):
        with files.atomic_file(out / f"{name}.png") as temporary:
            temporary.write_bytes(curves.panels(drawn, "png", zero))
    page = out / "report.html"
    files.write_text(page, build(results))
    return page


def build(results: dict[str, Any]) -> str:
    """Returns the whole page, pictures inside."""
    test, sections = results["test"], []
    sections.append(blocks.Section("Does it help?", _verdicts(results)))
    sections.append(blocks.Section("Curves", _curves(results)))
    sections.append(blocks.Section("Differences between arms", _difference_tables(results)))
    sections.append(blocks.Section("All figures", [_point_table(results)]))
    sections.append(blocks.Section("How it was done", _methods(results)))
    subtitle = (
        f"{test['nodules']} nodules of {test['patients']} test patients, {test['ggns']} of them "
        "ground glass. A research tool, not a medical device."
    )
    return blocks.page("Synthetic nodules in a classifier's training", sections, subtitle)


def _verdicts(results):
    rows = [(f["finding"], f["verdict"], f["sentence"]) for f in results["findings"]]
    columns = ("the paper found", "this run", "on average precision, real + synthetic less real")
    found = [blocks.Table(columns, rows)]
    failed = results["tasks"]["failed"]
    if failed or results["tasks"]["blocked"]:
        text = f"{len(failed)} tasks failed and {len(results['tasks']['blocked'])} wait for them: "
        text += "; ".join(f"{name}: {error}" for name, error in failed.items())
        found.append(blocks.Text(text, "warning"))
    return found


def _figures(results):
    """Yields name, panels and whether they show differences."""
    two = ("real", "synthetic")
    fig6 = [(_WORDS[n], _by_arm(results, n, two)) for n in ("precision", "recall")]
    yield "figure6", fig6, False
    every = tuple(dict.fromkeys(point["arm"] for point in results["points"]))
    yield "arms", [(_WORDS[n], _by_arm(results, n, every)) for n in ("average_precision",)], False
    gains = {}
    for row in results["differences"]:
        if row["arm"] == "synthetic" and row["percentage"].replace(".", "", 1).isdigit():
            found = row["average_precision"]
            point = (float(row["percentage"]), found["value"], found["low"], found["high"])
            gains.setdefault(f"less {row['control'].replace('_', '-')}", []).append(point)
    if gains:
        panels = [("gain in average precision", {k: v}) for k, v in gains.items()]
        yield "gains", panels[:4], True


def _by_arm(results, name, arms):
    found = {}
    for point in sorted(results["points"], key=lambda p: p["percentage"]):
        if point["arm"] in arms:
            value = point[name]
            row = (point["percentage"], value["value"], value["low"], value["high"])
            found.setdefault(point["arm"], []).append(row)
    return {arm: found[arm] for arm in arms if arm in found}


def _curves(results):
    captions = {
        "figure6": "Precision and recall on the test patients against the share of training "
        "patients, as the paper's Fig. 6; bands are 95% intervals over patients.",
        "arms": "Average precision of every arm, with 95% intervals over patients.",
        "gains": "What synthetic nodules add in average precision, less each control; an interval "
        "above the line is a gain.",
    }
    return [
        blocks.Figure(curves.panels(drawn, "svg", zero), captions[name], captions[name])
        for name, drawn, zero in _figures(results)
    ]


def _difference_tables(results):
    names = ("average_precision", "auc", "f1", "precision", "recall")
    columns = ["arm", "less", "%", *(f"{_WORDS[n]} (95% interval)" for n in names), "p of AP"]
    found = []
    for arm in dict.fromkeys(row["arm"] for row in results["differences"]):
        rows, marked = [], []
        for row in (r for r in results["differences"] if r["arm"] == arm):
            main = row["average_precision"]
            if main["low"] > 0 or main["high"] < 0:
                marked.append(len(rows))
            cells = [_interval(row[name], True) for name in names]
            rows.append([arm, row["control"], row["percentage"], *cells, main["p_value"]])
        caption = f"{arm}: paired differences, same patients, same seeds; marked where the "
        caption += "interval of average precision leaves out 0."
        found.append(blocks.Table(columns, rows, caption, marked, arm != "synthetic"))
    return found


def _point_table(results):
    columns = ["arm", "%", "real GGNs", "added", *_WORDS.values(), "calibration error", "seeds' AP"]
    rows = [
        [
            point["arm"],
            f"{point['percentage']:g}",
            round(point["real_ggns"]),
            round(point["added"]),
            *(_interval(point[name]) for name in _WORDS),
            point["calibration_error"],
            ", ".join(f"{value:.3f}" for value in point["average_precision"]["each_seed"]),
        ]
        for point in results["points"]
    ]
    return blocks.Table(columns, rows, "Means over seeds, with 95% intervals over test patients.")


def _methods(results):
    made, tasks, leakage = results["study"], results["tasks"], results["leakage"]
    gan, how = made["gan"], made["classifier"]
    steps = f"{gan['steps']}, then {gan['more_steps']} a larger subset"
    read = f"{leakage['tasks']} tasks read {leakage['images']} images, {leakage['shared']} of them "
    read += f"among the {leakage['held_out_images']} held out"
    rows = [
        ("set", f"{tasks['data']['file']}, SHA-256 {tasks['data']['sha256'][:16]}"),
        ("preset", made["preset"]),
        ("rule of ground glass", made["rule"]),
        ("seeds", made["seeds"]),
        ("GAN", f"{gan['preset']}, {', '.join(gan['overrides']) or 'unchanged'}"),
        ("GAN steps", steps if gan["more_steps"] else f"{gan['steps']}, each anew"),
        ("places", made["synthesis"]["hosts"]),
        ("classifier", f"ResNet {how['filters']}, {how['steps']} steps of {how['batch']}"),
        ("tasks", f"{tasks['done']} done, {tasks['reused']} of earlier runs"),
        ("work", f"{tasks['cpu_seconds'] / 60:.0f} CPU minutes in all tasks"),
        ("leakage", read),
    ]
    arms = [(arm, text) for arm, text in _ARMS.items() if arm in made["arms"]]
    return [
        blocks.Table(("what", "how"), rows),
        blocks.Table(("arm", "what its classifiers learn from"), arms),
        blocks.Text(
            "Validation patients choose the step, the calibration and the threshold of precision "
            "and recall; test patients choose nothing. Intervals are of draws of whole test "
            "patients and do not hold the chance of another training set, which the seeds show.",
            "note",
        ),
    ]


def _interval(found, signed=False):
    mark = "+.3f" if signed else ".3f"
    return f"{found['value']:{mark}} ({found['low']:{mark}} to {found['high']:{mark}})"
