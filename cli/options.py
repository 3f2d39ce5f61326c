"""Options that commands share, so that each means the same everywhere."""

import json
import pathlib
from typing import Any

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=pathlib.Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=pathlib.Path)
ANY = click.Path(exists=True, path_type=pathlib.Path)
NEW = click.Path(path_type=pathlib.Path)

out = click.option("--out", type=NEW, required=True, help="Where to write.")
seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Same seed, same result.",
)
force = click.option("--force", is_flag=True, help="Overwrite what is there.")
jobs = click.option(
    "--jobs", type=int, default=-1, show_default=True, help="Worker processes; -1: every core."
)
scheduler = click.option(
    "--scheduler", metavar="ADDRESS", help="Work on this Dask cluster, tcp://HOST:PORT."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
rule = click.option(
    "--rule",
    type=click.Choice(["strict", "mean", "any", "none"]),
    default="mean",
    show_default=True,
    help="Which nodules are ground glass: 2 readers rated it so (the paper), their mean, "
    "any of them; none takes all nodules.",
)


def show(result: dict[str, Any], text: str, as_json: bool) -> None:
    """Prints `text` for people, or `result` as JSON for machines."""
    click.echo(json.dumps(result, default=str) if as_json else text)
