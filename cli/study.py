"""`ggngan study`: do synthetic nodules improve a classifier?"""

import json
import pathlib

import click

from ggngan_tf.cli import options

_set = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="gan.steps=300")


@click.group()
def study() -> None:
    """Does it help? Classifiers with and without synthetic nodules (Fig. 6)."""


@study.command()
@click.argument("data", metavar="SET.h5", type=options.FILE)
@options.out
@click.option("--preset", default="default", show_default=True, help="default, paper or quick.")
@click.option("--config", "path", type=options.FILE, help="YAML settings on top of the preset.")
@_set
@options.jobs
@options.scheduler
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="How often a failed task is tried again.",
)
@click.option("--dry-run", is_flag=True, help="List the tasks and what they will cost; do none.")
@options.as_json
def run(data, out, preset, path, overrides, jobs, scheduler, retries, dry_run, as_json) -> None:
    """Train GANs and classifiers on growing parts of SET.h5, and compare them on other patients.

    The folder --out keeps what is done: the same command goes on where it was interrupted, and
    changed settings do anew what depends on them and nothing else.
    """
    from ggngan_tf.study import cost, settings

    made = settings.load(preset, path, overrides)
    plan = cost.plan(made, data, out, jobs=jobs, scheduler=scheduler)
    if dry_run:
        options.show(plan.summary(), plan.text(), as_json)
        return
    from ggngan_tf.report import study as page
    from ggngan_tf.study import runner

    click.echo(plan.headline(), err=True)
    results = runner.run(made, plan, out, data, jobs=jobs, scheduler=scheduler, retries=retries)
    report = page.write(results, out)
    options.show(results, _brief(results, report), as_json)


@study.command()
@click.argument("folder", type=options.FOLDER)
@click.option("--out", type=options.NEW, help="Where the page and figures go; FOLDER by default.")
@options.as_json
def report(folder: pathlib.Path, out: pathlib.Path | None, as_json: bool) -> None:
    """Write the page and figures of a study in FOLDER: HTML, PNG, CSV and JSON."""
    from ggngan_tf.report import study as page
    from ggngan_tf.study import runner

    results = runner.results(folder)
    options.show(results, _brief(results, page.write(results, out or folder)), as_json)


@study.command()
@click.argument("folder", type=options.FOLDER)
@options.out
@click.option("--arm", default="synthetic", show_default=True, help="Whose classifier.")
@click.option("--percentage", type=float, help="Of the training data; the largest by default.")
@click.option("--classifier-seed", type=click.IntRange(min=0), default=0, show_default=True)
@options.as_json
def export(folder, out, arm, percentage, classifier_seed, as_json) -> None:
    """Write a classifier of the study in FOLDER as the next version of the SavedModel --out."""
    from ggngan_tf import quiet

    quiet.load_tensorflow()
    from ggngan_tf.study import component

    version = component.export(folder, out, arm, percentage, classifier_seed)
    manifest = json.loads((version / "manifest.json").read_text(encoding="utf-8"))
    options.show(manifest, f"Wrote {version}", as_json)


def _brief(results, page):
    lines = [f"{f['verdict']}: {f['finding']}" for f in results["findings"]]
    failed = results["tasks"]["failed"]
    lines += [f"failed: {name} ({error})" for name, error in failed.items()]
    return "\n".join([*lines, f"Wrote {page}"])
