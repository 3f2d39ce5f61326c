"""`ggngan demo`."""

import pathlib

import click

from ggngan_tf.cli import options


@click.command()
@options.out
@click.option("--count", type=click.IntRange(1, 20), default=4, show_default=True, help="Nodules.")
@options.seed
@options.force
def demo(out: pathlib.Path, count: int, seed: int, force: bool) -> None:
    """Show the main job on a drawn scan: no download, no settings.

    Draws a chest CT scan, paints ground glass nodules into it with the shipped generator and
    writes DICOM, masks, pictures and report.html into --out.
    """
    from ggngan_tf import quiet

    quiet.load_tensorflow()
    from ggngan_tf import demo as example

    click.echo(f"Open {example.run(out, seed, count, force)}")
