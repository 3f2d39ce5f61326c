"""How real painted nodules look: the judges of issue 9 on nodules of patients never learnt from."""

import argparse
import json
import pathlib

import numpy as np
import realism_judge
import realism_models
import realism_reference
import realism_text

from ggngan_tf import files


def main() -> None:
    options = _options()
    held = realism_reference.parts(rule=options.rule)
    reference = realism_reference.training(rule=options.rule)
    model = realism_models.load(options.model, options.best)
    part = held[options.part]
    print(f"{options.model or 'the shipped model'}: {model.sha256}")
    drawn = [_repainted(model, part, held["train"], seed) for seed in range(options.seeds)]
    real = [part]
    if options.real_pool:
        real.append(held["train"])
        print("Training nodules stand among the real ones: to choose by, not to report.")
    found = realism_judge.judge(
        np.concatenate([one.image for one in real]),
        np.concatenate([one.mask for one in real]),
        np.stack(drawn),
        part.mask,
        np.concatenate([one.pixel_spacing for one in real]),
        part.pixel_spacing,
        real_patients=np.concatenate([one.patients() for one in real]),
        synth_patients=part.patients(),
        training=held["train"],
        reference=reference,
        quick=options.quick,
    )
    print(realism_text.text(found))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        files.write_text(options.out / "results.json", json.dumps(found, indent=1))


def _repainted(model, part, training, seed):
    random = np.random.default_rng([seed, 9])
    asked = realism_models.drawn_conditions(part.mask, part.pixel_spacing, training, random)
    return realism_models.paint(model, part.image, part.mask, seed, asked)[0]


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=pathlib.Path, help="SavedModel or run folder")
    parser.add_argument("--best", action="store_true", help="a run's best checkpoint")
    parser.add_argument("--part", choices=("validation", "test"), default="validation")
    parser.add_argument("--rule", choices=("strict", "mean", "any"), default="mean")
    parser.add_argument("--real-pool", choices=("train",), help="training nodules as real ones too")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="no network, no copies")
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
