"""How real painted nodules look: the judges on nodules of patients never learnt from."""

import argparse
import json
import pathlib

import numpy as np
import realism_judge
import realism_models
import realism_pictures
import realism_reference
import realism_settings
import realism_table
import realism_text

from ggngan_tf import files

SETTINGS = ("repainted", "inserted", "real")


def main() -> None:
    options = _options()
    if options.table:
        return _table(options)
    model = realism_models.load(options.model, options.best)
    held = realism_reference.parts(rule=options.rule)
    print(f"{options.model or 'the shipped model'}: {model.sha256}")
    grounds = None
    if "inserted" in options.settings or options.pictures:
        grounds = realism_settings.backgrounds(options.part)
    found = {
        "model": model.sha256,
        "part": options.part,
        "rule": options.rule,
        "to_report": options.real_pool is None and options.part != "train",
    }
    for setting in options.settings:
        print(f"\n{setting}")
        painted = _paint(setting, model, held, grounds, options)
        # Real ones are no copies of themselves, nor is a network worth its minutes on them.
        found[setting] = _judge(painted, held, options, options.quick or setting == "real")
        print(realism_text.text(found[setting]))
        if options.out:
            _write(found, options.out / "results.json")
        if options.pictures and setting != "real":
            path = options.out / f"worst-{setting}.png"
            realism_pictures.worst(held[options.part], painted, found[setting], path)
    if options.pictures:
        part = held[options.part]
        realism_pictures.gallery(model, held, grounds, options.out, options.part)
        realism_pictures.seeds(model, part, options.out / "seeds.png")
        realism_pictures.slices(model, options.out / "slices.png")
    return None


def _table(options):
    named = (one.partition("=") for one in options.table)
    measured = {name: json.loads(pathlib.Path(path).read_text()) for name, _, path in named}
    text = realism_table.build(measured)
    print(text)
    if options.page:
        realism_table.fill(options.page, text)


def _write(found, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, json.dumps(found, indent=1))


def _paint(setting, model, held, grounds, options):
    part, training = held[options.part], held["train"]
    if setting == "real":
        return realism_settings.real(training, len(part), options.seeds)
    if setting == "repainted":
        return realism_settings.repainted(model, part, options.seeds)
    return realism_settings.inserted(model, grounds, training, len(part), options.seeds)


def _judge(painted, held, options, quick):
    real = [held[options.part]]
    if options.real_pool:
        real.append(held[options.real_pool])
        print("Training nodules stand among the real ones: to choose by, not to report.")
    ours = [
        np.concatenate(column)
        for column in zip(*((r.image, r.mask, r.pixel_spacing) for r in real), strict=True)
    ]
    names = np.concatenate([one.patients() for one in real])
    reference = realism_reference.training(rule=options.rule)

    def judged(some, quick):
        return realism_judge.judge(
            *ours[:2],
            some.hu,
            some.mask,
            ours[2],
            some.spacing,
            real_patients=names,
            synth_patients=some.patients,
            synth_seen=some.seen,
            training=held["train"],
            reference=reference,
            quick=quick,
        )

    found = judged(painted, quick)
    if painted.whole is not None and not quick:
        halves = {"slices": painted.whole, "patches": ~painted.whole}
        found |= {name: judged(painted.take(kept), True) for name, kept in halves.items()}
    return found


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=pathlib.Path, help="SavedModel or run folder")
    parser.add_argument("--best", action="store_true", help="a run's best checkpoint")
    parser.add_argument("--part", choices=("train", "validation", "test"), default="validation")
    parser.add_argument("--rule", choices=("strict", "mean", "any"), default="mean")
    parser.add_argument("--real-pool", choices=("train",), help="training nodules as real ones too")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=["repainted"])
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="no network, no copies")
    parser.add_argument("--out", type=pathlib.Path, help="folder for results.json and pictures")
    parser.add_argument("--pictures", action="store_true", help="galleries, slices, histograms")
    parser.add_argument("--table", nargs="+", metavar="NAME=results.json", help="print Markdown")
    parser.add_argument("--page", type=pathlib.Path, help="put the table into this page")
    options = parser.parse_args()
    if options.pictures and not options.out:
        parser.error("--pictures needs --out")
    return options


if __name__ == "__main__":
    main()
