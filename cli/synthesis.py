"""`ggngan export` and `ggngan generate`."""

import pathlib

import click

from ggngan_tf.cli import options


@click.command()
@click.argument("run", metavar="RUN", type=options.FOLDER)
@options.out
def export(run: pathlib.Path, out: pathlib.Path) -> None:
    """Export the generator of a run folder as a SavedModel: the next version of --out."""
    from ggngan_tf.synthesis import export as exporting

    click.echo(f"Exported {exporting.export(run, out)}")


@click.command()
@click.argument("source", metavar="INPUT", type=options.ANY)
@options.out
@click.option("--model", type=options.FOLDER, help="A SavedModel; the shipped one if not given.")
@click.option("--unchecked", is_flag=True, help="Take a --model that differs from its manifest.")
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="Nodules.")
@click.option("--sites", "table", type=options.FILE, help="CSV of sites, in place of --count.")
@click.option("--diameter", type=click.FloatRange(3, 30), help="mm; drawn if not given.")
@click.option("--series", "series_uid", help="Series Instance UID, where INPUT holds several.")
@click.option("--marker", is_flag=True, help='Burn "SYNTHETIC" into every slice.')
@click.option("--deidentify", is_flag=True, help="Apply the DICOM PS3.15 basic profile.")
@options.seed
@options.force
@options.as_json
def generate(
    source: pathlib.Path,
    out: pathlib.Path,
    model: pathlib.Path | None,
    unchecked: bool,
    count: int,
    table: pathlib.Path | None,
    diameter: float | None,
    series_uid: str | None,
    marker: bool,
    deidentify: bool,
    seed: int,
    force: bool,
    as_json: bool,
) -> None:
    """Paint synthetic ground glass nodules into INPUT.

    INPUT is a set of nodules (SET.h5): every nodule is erased and painted anew, and --out is a
    set. Or INPUT is a DICOM file or folder: nodules are painted at sites found in the lung, or at
    those of a table, and --out is a folder with the series, masks, a manifest and a preview.
    """
    from ggngan_tf import files
    from ggngan_tf.synthesis import saved

    files.check_new(out, force)  # before the minutes that the rest may take
    generator = saved.load(model, unchecked=unchecked)
    if source.suffix in (".h5", ".hdf5"):
        result = _repaint(source, out, generator, seed)
        text = f"Painted {result['nodules']} nodules anew: {out}"
    else:
        result = _insert(
            source,
            out,
            generator,
            count,
            table,
            diameter,
            series_uid,
            marker,
            deidentify,
            seed,
            force,
        )
        text = f"Painted {result['nodules']} nodules: {out}/preview.png, {out}/manifest.csv"
    options.show(result, text, as_json)


def _repaint(source, out, model, seed):
    from ggngan_tf.data import nodules
    from ggngan_tf.synthesis import repaint

    painted = repaint.repaint(nodules.read(source), model, seed)
    nodules.write(painted, out)
    return {"out": out, "nodules": len(painted)}


def _insert(
    source, out, model, count, table, diameter, series_uid, marker, deidentify, seed, force
):
    from ggngan_tf.data import dicom
    from ggngan_tf.synthesis import insert

    series = dicom.read_series(source, series_uid)
    for skipped in series.skipped:
        click.echo(f"skipped {skipped.path}: {skipped.reason}", err=True)
    for note in series.notes:
        click.echo(f"note: {note}", err=True)
    lung = insert.find_lung(series)
    places = insert.choose_sites(series, lung, count, table, diameter, seed)
    made = insert.insert(series, lung, places, model, seed)
    insert.write(series, made, out, seed, burn_marker=marker, deidentified=deidentify, force=force)
    return {"out": out, "nodules": len(made), "slices": len(series)}
