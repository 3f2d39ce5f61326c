"""`ggngan train`."""

import pathlib

import click

from ggngan_tf.cli import options


@click.command()
@click.argument("data", metavar="SET.h5", type=options.FILE)
@options.out
@click.option("--preset", default="default", show_default=True, help="default, paper or smoke.")
@click.option("--config", "path", type=options.FILE, help="YAML settings on top of the preset.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="training.batch=4")
@click.option("--rule", type=click.Choice(["strict", "mean", "any", "none"]), help="data.rule")
@click.option("--steps", type=click.IntRange(min=1), help="training.steps")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="training.seed")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "mixed_bfloat16", "mixed_float16"]),
    help="training.precision; auto: what this machine computes fastest in",
)
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    help="training.patience: end after so many validations without a gain; 0: never",
)
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in --out.")
@options.force
def train(
    data: pathlib.Path,
    out: pathlib.Path,
    preset: str,
    path: pathlib.Path | None,
    overrides: tuple[str, ...],
    rule: str | None,
    steps: int | None,
    seed: int | None,
    precision: str | None,
    patience: int | None,
    resume: bool,
    force: bool,
) -> None:
    """Train a generator on the ground glass nodules of SET.h5 into the run folder --out.

    Ctrl-C or SIGTERM saves and ends; --resume goes on, with the settings saved in --out.
    """
    from ggngan_tf import config, errors, files, quiet

    quiet.load_tensorflow()
    from ggngan_tf.training import loop

    short = {
        "data.rule": rule,
        "training.steps": steps,
        "training.seed": seed,
        "training.precision": precision,
        "training.patience": patience,
    }
    changes = (*overrides, *(f"{k}={v}" for k, v in short.items() if v is not None))
    if resume:
        if not (out / "config.yaml").exists():
            raise errors.TrainingError(f"{out}: not a run folder; start it without --resume.")
        settings = config.load(path=out / "config.yaml", overrides=changes)
        files.write_text(out / "config.yaml", config.dump(settings))
    else:
        settings = config.load(preset, path, changes)
        loop.start(data, out, settings, force)
        settings = config.read(out / "config.yaml")
    ended = loop.train(data, out, settings)
    click.echo(_summary(ended, settings.training, out))


def _summary(ended, training, out):
    export = f"ggngan export {out} --out NAME"
    if ended.patience:
        return (
            f"Ended at step {ended.step} by patience: no gain in {training.patience} validations. "
            f"Export the best checkpoint with: {export}"
        )
    if ended.step < training.steps:
        return f"Stopped at step {ended.step} of {training.steps}; go on with --resume."
    return f"Trained {ended.step} steps; export with: {export}"
