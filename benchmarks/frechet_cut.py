"""How far the Fréchet distance of real to real swings, with features cut at so many widths."""

import argparse
import json
import os
import pathlib

import numpy as np

from ggngan_tf.data import nodules
from ggngan_tf.evaluation import frechet, radiomics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data = pathlib.Path(os.environ.get("GGNGAN_DATA", "../shared")) / "lidc" / "nodules.h5"
    parser.add_argument(
        "set",
        nargs="?",
        type=pathlib.Path,
        default=data,
        help="real nodules of 100 patients or more",
    )
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--out", type=pathlib.Path, help="JSON")
    options = parser.parse_args()
    real = nodules.read(options.set).select("mean")
    real = real.take(np.unique(real.patients(), return_index=True)[1])  # one nodule a patient
    features = radiomics.features(real.image, real.mask, real.pixel_spacing)
    found = {}
    for limit in (np.inf, 10.0, 5.0, 3.0):
        frechet.LIMIT = limit
        random = np.random.default_rng(0)
        draws = [_distance(features, random) for _ in range(options.draws)]
        found[str(limit)] = np.percentile(draws, [0, 50, 90, 100]).round(1).tolist()
        print(f"cut at {limit:4} widths: least, median, 90%, most {found[str(limit)]}")
    if options.out:
        options.out.write_text(json.dumps(found))


def _distance(features, random):
    order = random.permutation(len(features))
    first, second = features[order[:50]], features[order[50:100]]
    standard = frechet.scale(first)
    return frechet.frechet(standard(first), standard(second))


if __name__ == "__main__":
    main()
