"""`ggngan`: finds each command's file when it is called, so that `--help` loads nothing heavy."""

import importlib
import sys

import click

from ggngan_tf import errors

# command: the file that holds it, under the same name with underscores
COMMANDS = {
    "demo": "demo",
    "cohort": "data",
    "prepare": "data",
    "split": "split",
    "train": "training",
    "export": "synthesis",
    "generate": "synthesis",
    "radiomics": "evaluation",
    "compare": "evaluation",
    "report": "evaluation",
    "vtt": "vtt",
    "study": "study",
    "doctor": "doctor",
}


class Commands(click.Group):
    """Loads a command when it is named, and prints our errors as one line, exit code 1."""

    def list_commands(self, ctx):
        return list(COMMANDS)

    def get_command(self, ctx, name):
        if name not in COMMANDS:
            return None
        return getattr(importlib.import_module(f"ggngan_tf.cli.{COMMANDS[name]}"), name)

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except errors.GgnganError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ggngan_tf")
def main() -> None:
    """Synthetic ground glass nodules in lung CT: train, insert, evaluate, serve.

    A research tool, not a medical device. Its images are always marked synthetic.
    """


if __name__ == "__main__":
    main()
