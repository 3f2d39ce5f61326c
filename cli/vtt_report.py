"""The page that a scored reading is read on."""

import pathlib
from typing import Any

_FIGURES = {
    "distribution": "How often each class was chosen (after Fig. 4a and b).",
    "confusion": "Confusion matrix of all readings (after Fig. 4c).",
    "roc": "ROC curves over the four classes; real is positive.",
    "session": "Learning: accuracy and time by quarter of the session, and their mean.",
}


def write(folder: pathlib.Path, results: dict[str, Any]) -> None:
    """Writes `report.html` beside the results and figures in `folder`."""
    from ggngan_tf import files, report

    sections = [
        report.Section("Readers", [_readers(report, results), *_figures(report, folder)]),
        report.Section("Other readers, other cases", _generalised(report, results)),
        report.Section("Agreement", _agreement(report, results)),
        report.Section("Learning and time", [_learning(report, results)]),
    ]
    if results["classifier"]:
        sections.append(report.Section("Against a classifier", [_rival(report, results)]))
    sections.append(report.Section("Study", [_study(report, results)]))
    page = report.page(results["title"], sections, subtitle=f"Study {results['study_id']}")
    files.write_text(folder / "report.html", page)


def _readers(report, results):
    rows = [
        [name, *_summary(summary)]
        for name, summary in (*results["readers"].items(), ("pooled", results["pooled"]))
    ]
    columns = [
        "reader", "readings", "AUC (95% CI)", "accuracy (95% CI)", "real recognised",
        "synthetic judged real", "of these confidently", "leaning", "seconds a case",
    ]  # fmt: skip
    caption = (
        "Intervals: DeLong and Wilson for one reader; bootstrap over cases where several readers "
        "read a case. The paper: AUC 0.68, accuracy 0.74, 19/51 (37%) judged real, 8/51 (16%) "
        "confidently and 11/51 (22%) leaning."
    )
    return report.Table(columns, rows, caption, marked=[len(rows) - 1])


def _summary(summary):
    area, accuracy = summary["auc"], summary["accuracy"]
    fooled, seconds = summary["synthetic_judged_real"], summary["seconds"]
    ends = (area["delong"] or area["bootstrap"]) if area else None
    return [
        summary["readings"],
        f"{area['value']:.2f} ({ends[0]:.2f} to {ends[1]:.2f})" if area else "-",
        f"{accuracy['share']:.2f} ({accuracy['low']:.2f} to {accuracy['high']:.2f})",
        _share(summary["real_recognised"]),
        *(_share(fooled[name]) for name in ("judged_real", "confident", "leaning")),
        f"{seconds['median']:.1f}" if seconds else "-",
    ]


def _figures(report, folder):
    return [
        report.Figure((folder / f"{name}.svg").read_bytes(), caption, caption)
        for name, caption in _FIGURES.items()
    ]


def _generalised(report, results):
    found = results["mrmc"]
    notes = [report.Text(note, "note") for note in results["notes"]]
    if found is None:
        return notes or [report.Text("No analysis.", "note")]
    methods = {"Obuchowski-Rockette (Hillis)": "obuchowski_rockette", "U-statistics": "u_statistic"}
    rows = [
        [label, *(found[name][k] for k in ("value", "se")), found[name]["df"] or "-",
         _range([found[name]["low"], found[name]["high"]])]
        for label, name in methods.items()
    ]  # fmt: skip
    caption = "Mean AUC with readers and cases both taken as samples."
    table = report.Table(["method", "AUC", "SE", "df", "95% CI"], rows, caption)
    if found["separate_cases"]:
        notes.append(
            report.Text("Each case had one reader, so readers and cases cannot be parted.", "note")
        )
    return [table, *notes]


def _agreement(report, results):
    found = results["agreement"]
    columns = ["readers", "cases", "weighted kappa", "exact", "same side"]
    between = [[" and ".join(p["readers"]), *_pair(p)] for p in found["pairs"]]
    again = [[name, *_pair(p)] for name, p in found["repeats"].items()]
    blocks = []
    if between:
        text = (
            f"Krippendorff's alpha (ordinal) {_value(found['krippendorff_alpha'])}, "
            f"Fleiss' kappa {_value(found['fleiss_kappa'])}."
        )
        caption = "Between readers; kappa with quadratic weights."
        blocks += [report.Text(text), report.Table(columns, between, caption)]
    if again:
        blocks.append(
            report.Table(columns, again, "Each reader against the same reader's repeats.")
        )
    return blocks or [report.Text("No case was read twice, so there is no agreement.", "note")]


def _pair(found):
    return [found["cases"], *(_value(found[k]) for k in ("kappa", "exact", "side"))]


def _learning(report, results):
    rows = []
    for name, found in results["learning"].items():
        trends = [found[k] for k in ("accuracy_trend", "seconds_trend")]
        parts = [f"{t['rho']:+.2f} (p = {t['p']:.3f})" if t else "-" for t in trends]
        rows.append([name, *parts])
    columns = ["reader", "accuracy over the session", "time over the session"]
    return report.Table(columns, rows, "Spearman's correlation with the case's position.")


def _rival(report, results):
    found = results["classifier"]
    rows = [
        [label, f"{p['auc']:.3f}", _range(p["auc_ci"]), f"{p['accuracy']:.3f}",
         _range(p["accuracy_ci"])]
        for label, p in (("readers", found["readers"]), ("classifier", found["classifier"]))
    ]  # fmt: skip
    caption = (
        f"{found['cases']} cases. AUC: p = {found['auc_p']:.3f} (paired DeLong); "
        f"accuracy: p = {found['accuracy_p']:.3f} (McNemar)."
    )
    return report.Table(["", "AUC", "95% CI", "accuracy", "95% CI"], rows, caption)


def _study(report, results):
    rows = [[k, str(v)] for k, v in results["design"].items()]
    audit = results["audit"]
    rows.append(["audit", f"all but the nodules: AUC {audit['auc']:.2f}, p = {audit['p']:.3f}"])
    return report.Table(["setting", "value"], rows, "How the study was set up.", folded=True)


def _share(found):
    if found["share"] is None:
        return "-"
    return f"{found['count']}/{found['of']} ({found['share']:.0%})"


def _range(ends):
    return "-" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def _value(number):
    return "-" if number is None else f"{number:.2f}"
