"""`ggngan split`."""

import pathlib

import click

from ggngan_tf.cli import options


@click.command()
@click.argument("source", metavar="SET.h5", type=options.FILE)
@options.out
@options.rule
@options.seed
@options.force
@options.as_json
def split(
    source: pathlib.Path, out: pathlib.Path, rule: str, seed: int, force: bool, as_json: bool
) -> None:
    """Split SET.h5 by patient into train.h5, validation.h5 and test.h5 in the folder --out.

    The same split that `ggngan train` makes by itself, with the same rule and data.split_seed:
    test.h5 holds what a generator has never seen.
    """
    from ggngan_tf import files
    from ggngan_tf.data import nodules

    files.check_new(out, force)
    parts = nodules.read(source).select(rule).split(seed)
    with files.atomic_folder(out) as folder:
        for name, part in parts.items():
            nodules.write(part, folder / f"{name}.h5")
    counts = {name: len(part) for name, part in parts.items()}
    options.show(counts | {"out": out}, f"{out}: {counts}", as_json)
