"""The report of a comparison: what the judges said, with the pictures they judged."""

import pathlib

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import assessment, comparison, distributions, sources
from ggngan_tf.report import blocks, figures, pictures, training

_NAMES = {
    "logistic": "logistic regression on features",
    "boosting": "gradient boosting on features",
    "cnn": "network on pixels",
    "seam": "seam along the painted border",
}
_LIMITS = (
    "A nodule that no judge tells from a real one may still look wrong to a radiologist: "
    "these figures do not replace a reading study.",
    "P-values grow with fewer nodules. A set of 50 hides what a set of 200 shows, so look at "
    "distances and areas first, and compare p-values at equal sizes only.",
    "Features are those of PyRadiomics 3.0.1 at its defaults, in 2D, on one slice a nodule. "
    "They depend on scanner, reconstruction and outline; real nodules here have one reader's.",
    "This is a research tool, not a medical device. Synthetic nodules are marked as such.",
)


def build(
    found: assessment.Assessment,
    real: nodules_.NoduleSet | None = None,
    synthetic: nodules_.NoduleSet | None = None,
    learnt_from: nodules_.NoduleSet | None = None,
    run: pathlib.Path | None = None,
) -> str:
    """Returns the whole page.

    Args:
        found: What the judges said.
        real: The nodules of `found.real`, for the gallery.
        synthetic: The nodules of `found.synthetic`.
        learnt_from: The training nodules, for the closest pairs.
        run: A run folder, for the training curves.

    Raises:
        TrainingError: `run` has no log that can be read.
    """
    sizes = found.results["sizes"]
    sections = [blocks.Section("What the judges say", _verdicts(found))]
    sections += pictures.sections(found.results, real, synthetic, learnt_from)
    sections.append(blocks.Section("Features, beside the paper's Table 1", _features(found)))
    sections.append(blocks.Section("ROC curves", [_roc(found.results)]))
    sections += training.sections(run) if run else []
    sections.append(blocks.Section("Where it comes from", _provenance(found.results)))
    sections.append(blocks.Section("Limits", [blocks.Text(text) for text in _LIMITS]))
    subtitle = f"{sizes['real']} real and {sizes['synthetic']} synthetic ground glass nodules"
    return blocks.page("Are they real?", sections, subtitle)


def from_folder(folder: pathlib.Path, run: pathlib.Path | None = None) -> str:
    """Returns the page of a folder that `ggngan compare` wrote.

    The sets named in `results.json` are read where they still lie.

    Raises:
        RadiomicsError: It is not such a folder.
        TrainingError: `run` has no log that can be read.
    """
    found = assessment.read(folder)
    inputs = found.results["inputs"]
    tables = {"real": found.real, "synthetic": found.synthetic, "training": None}
    sets = [sources.reread(inputs.get(name), table) for name, table in tables.items()]
    return build(found, *sets, run)


def _verdicts(found):
    results, equals = found.results, found.results["real_vs_real"]
    hardest = results["hardest"]
    rows = [
        _count_row(results, equals),
        *_judge_rows(results, equals),
        *_cloud_rows(results, equals),
    ]
    columns = ["judge", "paper", "real against real", "this set", "95% interval"]
    shown = [
        blocks.Text(
            f"The hardest judge: {_NAMES[hardest['judge']]}, area {hardest['auc']:.2f}. At 0.5 it "
            "could not tell synthetic from real, at 1 it always could."
        ),
        blocks.Table(columns, rows, "All judges. Folds are grouped by patient."),
        blocks.Text(_about_equals(equals), "note"),
    ]
    copies = results.get("memorisation", {}).get("copies", 0)
    if copies:
        shown.insert(
            0, blocks.Text(f"{copies} synthetic nodules are copies of training nodules.", "warning")
        )
    return shown


def _count_row(results, equals):
    label = f"features at p >= {distributions.ALPHA} (Kolmogorov-Smirnov)"
    paper = f"{comparison.PAPER['not_significant']} of 93"
    passed = f"{results['not_significant']} of {results['features']}"
    return [label, paper, _range(equals["not_significant"], 0), passed, ""]


def _judge_rows(results, equals):
    rows = []
    for name, judge in results["judges"].items():
        paper = f"{comparison.PAPER['auc']:.2f}" if name == "logistic" else ""
        interval = _interval(judge["auc_ci"]) if "auc_ci" in judge else ""
        shown = _equal_area(equals.get(f"auc_{name}"))
        rows.append([f"{_NAMES[name]}, AUC", paper, shown, f"{judge['auc']:.2f}", interval])
        if name == "logistic":
            label, paper = f"{_NAMES[name]}, accuracy", f"{comparison.PAPER['accuracy']:.2f}"
            interval = _interval(judge["accuracy_ci"])
            rows.append([label, paper, "", f"{judge['accuracy']:.2f}", interval])
    return rows


def _equal_area(spread):
    if spread is None:
        return ""
    return _range(spread, 2) if "mean" in spread else f"{spread['auc']:.2f}"


def _cloud_rows(results, equals):
    rows = []
    for key, label, digits in (
        ("mean_ks", "mean KS distance", 3),
        ("frd", "Fréchet radiomics distance", 1),
        ("kernel_distance", "kernel distance of features (unbiased)", 2),
        ("precision", "precision", 2),
        ("recall", "recall", 2),
        ("density", "density", 2),
        ("coverage", "coverage", 2),
        ("spread", "spread of features over real", 2),
    ):
        rows.append([label, "", _range(equals[key], digits), f"{results[key]:.{digits}f}", ""])
        ratio = results["over_real_vs_real"].get(key)
        if ratio is not None:
            rows.append([f"{label}, over real against real", "", "1", f"{ratio:.2f}", ""])
    return rows + _pixel_rows(results)


def _pixel_rows(results):
    rows = []
    if results.get("ssim", {}).get("pairs"):
        label = f"SSIM with the original, {results['ssim']['pairs']} pairs"
        rows.append([label, "", "", f"{results['ssim']['mean']:.2f}", ""])
    if "memorisation" in results:
        copies = str(results["memorisation"]["copies"])
        rows.append(["copies of training nodules", "", "0", copies, ""])
    if results.get("diversity", {}).get("places"):
        label = "difference between seeds at one place, HU"
        rows.append([label, "", "", f"{results['diversity']['mean_difference']:.1f}", ""])
    return rows


def _about_equals(equals):
    first, second = equals["sizes"]
    text = (
        f"Real against real: {equals['splits']} draws of {first} against {second} real nodules, "
        "one a patient, no patient in both; mean and range. A perfect generator would score this."
    )
    if not equals["same_sizes"]:
        text += " There were too few real nodules for the sizes of this comparison."
    return text


def _features(found):
    table = found.table
    ordered = table.dropna(subset="p_value").sort_values("p_value", kind="stable")
    chosen = [*ordered.feature[:3], *ordered.feature[::-1][:3]]
    panels = [_panel(found, name) for name in chosen]
    rows = [
        [
            _short(r.feature),
            r.paper_name,
            r.paper_p_value,
            r.p_value,
            r.q_value,
            r.ks,
            r.cliffs_delta,
        ]
        for r in table.itertuples()
    ]
    marked = [i for i, r in enumerate(table.itertuples()) if not r.p_value >= distributions.ALPHA]
    columns = [
        "feature",
        "name in the paper",
        "p, paper",
        "p",
        "q",
        "KS",
        "Cliff's delta",
    ]
    return [
        blocks.Figure(
            figures.p_values(
                table.p_value.to_numpy(), table.paper_p_value.to_numpy(), distributions.ALPHA
            ),
            "P-values of the 93 features, sorted, beside those of the paper's Table 1.",
        ),
        blocks.Figure(
            figures.histograms(panels),
            "The three features that differ most (upper row) and least (lower row), as in Fig. 5a.",
        ),
        blocks.Table(
            columns,
            rows,
            "All 93 features in the order of the paper's Table 1; p < 0.05 is marked, "
            "q is p after Benjamini and Hochberg",
            marked,
            folded=True,
        ),
    ]


def _panel(found, name):
    p_value = found.table.set_index("feature").p_value[name]
    values = [t[name].dropna().to_numpy(float) for t in (found.real, found.synthetic)]
    return (f"{_short(name)}\np = {p_value:.2g}", *values)


def _roc(results):
    curves = {
        f"{_NAMES[name]}, {judge['auc']:.2f}": judge["roc"]
        for name, judge in results["judges"].items()
        if "roc" in judge
    }
    return blocks.Figure(
        figures.roc(curves),
        "Cross-validated by patient, averaged over repeats; with areas.",
        "ROC curves close to the diagonal mean that a judge cannot tell synthetic from real.",
    )


def _provenance(results):
    rows = []
    for name, source in results["inputs"].items():
        rows.append(
            [name, source["path"], source["nodules"], source["rule"] or "", source["sha256"]]
        )
    generator = results["inputs"]["synthetic"].get("generator_sha256", "")
    software = ", ".join(f"{k} {v}" for k, v in results["software"].items())
    shown = [blocks.Table(["set", "file", "nodules", "rule", "SHA-256"], rows)]
    if generator:
        shown.append(blocks.Text(f"Generator: SHA-256 {generator}."))
    return [*shown, blocks.Text(f"Seed {results['seed']}. Software: {software}.", "note")]


def _short(feature):
    return feature.removeprefix("original_").replace("_", " ")


def _interval(ends):
    return "{:.2f} to {:.2f}".format(*ends)


def _range(spread, digits):
    numbers = (f"{spread[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return "{} ({} to {})".format(*numbers)
