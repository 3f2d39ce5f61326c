"""Draws the curves of a training run as one SVG, for a page of documentation.

    python benchmarks/training_curves.py runs/first --out docs/training.svg
    python benchmarks/training_curves.py runs/first --out validation.svg --only validation

`--only` takes figures whose names hold a text, and may be repeated. Among them `validation_floor`
is what as many other real nodules score: the painted ones come near it when they look real.
"""

import argparse
import pathlib

from ggngan_tf import files
from ggngan_tf.report import figures, training


def main() -> None:
    options = _options()
    steps, series = training.read(options.run)
    wanted = {n: v for n, v in series.items() if not options.only or _holds(n, options.only)}
    if not wanted:
        raise SystemExit(f"{options.run}: no such figure; there are {', '.join(series) or 'none'}.")
    files.write_text(options.out, figures.training(steps, wanted).decode())
    print(f"Drew {len(wanted)} curves over {steps.max():,} steps: {options.out}")


def _holds(name, texts):
    return any(text in name for text in texts)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append", default=[], metavar="TEXT")
    return parser.parse_args()


if __name__ == "__main__":
    main()
