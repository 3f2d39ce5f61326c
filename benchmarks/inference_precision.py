"""How far the pixels of a bfloat16 export are from those of float32, in HU.

    python benchmarks/inference_precision.py RUN nodules.h5

Both exports of a trained run paint the ground glass nodules of its test patients anew, with the
same seeds.
"""

import argparse
import pathlib
import tempfile
import warnings

import numpy as np

from ggngan_tf import config
from ggngan_tf.data import nodules
from ggngan_tf.synthesis import export, saved


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    options = parser.parse_args()
    settings = config.read(options.run / "config.yaml").data
    chosen = nodules.read(options.data).select(settings.rule)
    test = chosen.split(settings.split_seed, settings.fractions)["test"]
    full, hole = _painted(options.run, test, "float32")
    reduced, _ = _painted(options.run, test, "bfloat16")
    apart = np.abs(full.astype(float) - reduced)[hole > 0]
    print(
        f"{len(test)} nodules, {len(apart)} pixels: mean difference {apart.mean():.2f} HU, "
        f"95th percentile {np.percentile(apart, 95):.0f}, largest {apart.max():.0f}"
    )


def _painted(run, test, precision):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that this CPU emulates bfloat16 is no matter here
        made = export.export(run, pathlib.Path(folder) / "model", precision=precision)
        seeds = np.arange(len(test), dtype=np.int32)
        return saved.load(made).paint(test.image, test.mask, None, seeds)


if __name__ == "__main__":
    main()
