"""`ggngan export` and `ggngan generate`."""

import pathlib

import click

from ggngan_tf.cli import options


@click.command()
@click.argument("run", metavar="RUN", type=options.FOLDER)
@options.out
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="bfloat16: for servers whose CPU has AMX or AVX512-BF16.",
)
@click.option("--newest", is_flag=True, help="Take the newest checkpoint, not the best one.")
def export(run: pathlib.Path, out: pathlib.Path, precision: str, newest: bool) -> None:
    """Export the generator of a run folder as a SavedModel: the next version of --out.

    It is that of the best checkpoint by validation, where the run has one.
    """
    from ggngan_tf import quiet

    quiet.load_tensorflow()
    from ggngan_tf.synthesis import export as exporting
    from ggngan_tf.training import devices

    if precision == "bfloat16" and not devices.is_fast_in_bfloat16():
        click.echo("note: this machine has no bfloat16; the model will be slow on it.", err=True)
    click.echo(f"Exported {exporting.export(run, out, precision=precision, newest=newest)}")


@click.command()
@click.argument("source", metavar="INPUT", type=options.ANY)
@options.out
@click.option("--model", type=options.FOLDER, help="A SavedModel; the shipped one if not given.")
@click.option("--unchecked", is_flag=True, help="Take a --model that differs from its manifest.")
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="Nodules.")
@click.option("--sites", "table", type=options.FILE, help="CSV of sites, in place of --count.")
@click.option("--diameter", type=click.FloatRange(3, 30), help="mm; drawn if not given.")
@click.option("--texture", type=click.FloatRange(1, 5), help="Grade, 1 hazy to 5 solid.")
@click.option("--malignancy", type=click.FloatRange(1, 5), help="Rating, 1 to 5; size too.")
@click.option("--density", type=click.FloatRange(-1000, 400), help="Mean HU inside; drawn if not.")
@click.option("--spread", type=click.FloatRange(0, 500), help="Standard deviation of HU inside.")
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
    texture: float | None,
    malignancy: float | None,
    density: float | None,
    spread: float | None,
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
    from ggngan_tf import files, quiet

    quiet.load_tensorflow()
    from ggngan_tf.synthesis import saved

    # What may be wrong is looked at before the minutes that the rest may take.
    files.check_new(out, force)
    saved.check(model, unchecked=unchecked)

    def load():
        return saved.load(model, unchecked=unchecked)

    asked = _asked(texture=texture, malignancy=malignancy, density=density, spread=spread)

    if source.suffix in (".h5", ".hdf5"):
        result = _repaint(source, out, load, seed, asked)
        text = f"Painted {result['nodules']} nodules anew: {out}"
    else:
        result = _insert(
            source,
            out,
            load,
            count,
            table,
            diameter,
            series_uid,
            marker,
            deidentify,
            seed,
            force,
            asked,
        )
        text = f"Painted {result['nodules']} nodules: {out}/preview.png, {out}/manifest.csv"
    options.show(result, text, as_json)


def _asked(**wanted):
    """Returns what was asked for in the order of `conditions.NAMES`, NaN for the rest, or None."""
    import numpy as np

    from ggngan_tf.data import conditions

    given = {name: value for name, value in wanted.items() if value is not None}
    if not given:
        return None
    return np.array([given.get(name, np.nan) for name in conditions.NAMES], np.float32)


def _repaint(source, out, load, seed, asked):
    from ggngan_tf.data import nodules
    from ggngan_tf.synthesis import repaint

    real = nodules.read(source)
    painted = repaint.repaint(real, load(), seed, asked)
    nodules.write(painted, out)
    return {"out": out, "nodules": len(painted)}


def _insert(
    source, out, load, count, table, diameter, series_uid, marker, deidentify, seed, force, asked
):
    from ggngan_tf.data import dicom
    from ggngan_tf.synthesis import insert

    series = dicom.read_series(source, series_uid)
    for skipped in series.skipped:
        click.echo(f"skipped {skipped.path}: {skipped.reason}", err=True)
    for note in series.notes:
        click.echo(f"note: {note}", err=True)
    lung = insert.find_lung(series)
    places = insert.choose_sites(series, lung, count, table, diameter, seed, asked)
    made = insert.insert(series, lung, places, load(), seed, asked)
    insert.write(series, made, out, seed, burn_marker=marker, deidentified=deidentify, force=force)
    return {"out": out, "nodules": len(made), "slices": len(series)}
