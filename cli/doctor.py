"""`ggngan doctor`."""

import click

from ggngan_tf.cli import options


@click.command()
@options.as_json
def doctor(as_json: bool) -> None:
    """Print versions, devices, the shipped generator and what is missing."""
    from ggngan_tf import quiet

    quiet.load_tensorflow()
    from ggngan_tf import doctor as examination

    found = examination.examine()
    options.show(found, examination.describe(found), as_json)
