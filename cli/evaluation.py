"""`ggngan radiomics`, `compare` and `report`: are they real?"""

import pathlib

import click

from ggngan_tf.cli import options

real_set = click.option("--real-set", type=options.FILE, help="The set that REAL.csv came from.")
synthetic_set = click.option(
    "--synth-set", type=options.FILE, help="The set that SYNTHETIC.csv came from."
)
train_set = click.option(
    "--train-set",
    type=options.FILE,
    help="The real set that the generator learnt from: to look for copies, and as a reference.",
)
run = click.option("--run", type=options.FOLDER, help="A run folder, for the training curves.")


@click.command()
@click.argument("nodules", metavar="SET.h5", type=options.FILE)
@options.out
@click.option(
    "--rule",
    type=click.Choice(["strict", "mean", "any", "none"]),
    default="none",
    show_default=True,
    help="Which real nodules to take: by rule of ground glass, or all.",
)
@options.jobs
@options.scheduler
@options.force
@options.as_json
def radiomics(nodules, out, rule, jobs, scheduler, force, as_json) -> None:
    """Compute the features of the nodules in SET.h5, one CSV row each.

    PyRadiomics at its defaults, on HU, in 2D: the paper's 93 features and 9 of the 2D shape.
    """
    from ggngan_tf import files
    from ggngan_tf.evaluation import radiomics as radiomics_
    from ggngan_tf.evaluation import sources

    files.check_new(out, force)
    chosen, rows = sources.choose(nodules, rule)
    table = radiomics_.extract(chosen, jobs, scheduler).assign(row=rows)
    radiomics_.write(table, out)
    failed = int((table.reason != "").sum())
    result = {"path": out, "nodules": len(table), "failed": failed}
    text = f"Saved features of {len(table)} nodules to {out}"
    options.show(result, text + (f"; {failed} have a reason for NaN." if failed else "."), as_json)


@click.command()
@click.argument("real", type=options.FILE)
@click.argument("synthetic", type=options.FILE)
@options.out
@real_set
@synthetic_set
@train_set
@click.option(
    "--seed-set",
    "seed_sets",
    type=options.FILE,
    multiple=True,
    help="The same places painted with another seed, to see how nodules differ; may be repeated.",
)
@run
@options.rule
@click.option(
    "--cnn-repeats",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Cross-validations of the network that judges pixels; 0 leaves it out.",
)
@click.option(
    "--splits",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Draws of real against real, the ceiling.",
)
@options.jobs
@options.seed
@options.force
@options.as_json
def compare(
    real,
    synthetic,
    out,
    real_set,
    synth_set,
    train_set,
    seed_sets,
    run,
    rule,
    cnn_repeats,
    splits,
    jobs,
    seed,
    force,
    as_json,
) -> None:
    """Compare REAL and SYNTHETIC nodules, and write results and a report to a folder.

    Each is a CSV of features or a set (HDF5). Sets are judged by their pixels as well; of real
    sets the nodules are taken that fulfil --rule.
    """
    from ggngan_tf import files
    from ggngan_tf.evaluation import assessment, sources
    from ggngan_tf.report import comparison as comparison_page

    files.check_new(out, force)
    ours = sources.load(real, real_set, rule=rule, jobs=jobs)
    theirs = sources.load(synthetic, synth_set, jobs=jobs)
    training = sources.load(train_set, rule=rule, jobs=jobs) if train_set else None
    seeds = [sources.choose(path, "none")[0] for path in seed_sets]
    settings = {"seeds": seeds, "cnn_repeats": cnn_repeats, "splits": splits, "seed": seed}
    found = assessment.assess(ours, theirs, training, **settings)
    assessment.write(found, out)
    sets = [None if s is None else s.nodules for s in (ours, theirs, training)]
    files.write_text(out / "report.html", comparison_page.build(found, *sets, run))
    options.show(found.results, _verdict(found.results, out), as_json)


@click.command()
@click.argument("folder", type=options.FOLDER)
@click.option("--out", type=options.NEW, help="The page; FOLDER/report.html by default.")
@run
@options.force
@options.as_json
def report(folder, out, run, force, as_json) -> None:
    """Write the report of a comparison in FOLDER as one HTML page.

    Pictures come from the sets that were compared, where they still lie. Print the page from a
    browser for a PDF.
    """
    from ggngan_tf import files
    from ggngan_tf.report import comparison as comparison_page

    out = out or folder / "report.html"
    if out.parent != folder:
        files.check_new(out, force)
    files.write_text(out, comparison_page.from_folder(folder, run))
    options.show({"path": out}, f"Saved {out}", as_json)


def _verdict(results: dict, out: pathlib.Path) -> str:
    hardest = results["hardest"]
    low, high = results["auc_ci"]
    return (
        f"{results['not_significant']} of {results['features']} features do not differ; "
        f"logistic regression AUC {results['auc']:.2f} ({low:.2f} to {high:.2f}); "
        f"hardest judge {hardest['judge']}, AUC {hardest['auc']:.2f}; saved {out}/report.html"
    )
