"""Paints normal lung where a nodule was, the control condition of docs/removal.md.

    python benchmarks/removal.py set healthy.h5
    ggngan train healthy.h5 --config benchmarks/removal.yaml --out RUN
    python benchmarks/removal.py show RUN --out DIR

`set` marks shapes of nodules in healthy lung, off large vessels, in the patches around LIDC's
nodules; a generator that learns from these learns how lung goes on behind a hole. `show` takes test
patients: it paints such healthy places anew and lets the judges compare them with what was there,
then removes real nodules, prints what is left of them and shows both.
"""

import argparse
import json
import pathlib

import numpy as np
import realism_figures
import realism_judge
import realism_models
import realism_places
import realism_reference
from scipy import ndimage

from ggngan_tf import errors, files
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import comparison

_RIM = 3  # pixels around a nodule that stand for its surroundings, 2 further out
_SHOWN = 24


def healthy(everyone: nodules_.NoduleSet, shapes: nodules_.NoduleSet) -> nodules_.NoduleSet:
    """Returns one marked place of healthy lung for each patch that has room for one.

    Args:
        everyone: Nodules, in whose patches the places are.
        shapes: Nodules whose outlines and diameters are drawn.
    """
    grounds = realism_places.of_patches(everyone)
    places = []
    for number, ground in enumerate(grounds):
        try:
            places += realism_places.draw([ground], [ground], shapes, 1, number)
        except errors.SiteError:
            continue  # a large nodule, or little lung around it
    return realism_judge.as_set(
        np.array([place.window(place.hu) for place in places]),
        np.array([place.shape() for place in places]),
        np.array([place.spacing for place in places]),
        np.array([place.patient for place in places]),
    )


def left(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Returns how far the mean HU inside each mask is above the lung around it, `(N,)`.

    Args:
        image: `(N, row, column)`, HU.
        mask: The same shape.
    """
    found = []
    for hu, inside in zip(image, mask > 0, strict=True):
        near, far = (ndimage.binary_dilation(inside, iterations=n) for n in (_RIM, _RIM + 2))
        found.append(hu[inside].mean() - np.median(hu[far & ~near]))
    return np.array(found)


def show(model, held: dict[str, nodules_.NoduleSet], out: pathlib.Path) -> dict:
    """Returns what was measured on test patients, and writes the pictures."""
    grounds = healthy(held["everyone"], held["ground glass"])
    repainted = np.array(realism_models.paint(model, grounds.image, grounds.mask, 0))
    ours, theirs = (
        realism_reference.table(one)
        for one in (grounds, realism_judge.as_set(repainted, *_rest(grounds)))
    )
    known = ours.notna().all(axis=1) & theirs.notna().all(axis=1)
    found = {"healthy places": int(known.sum())}
    for name in comparison.JUDGES:
        pair = (table[known].reset_index(drop=True) for table in (ours, theirs))
        found[name] = realism_reference.cross_validate(name, *pair, 5, 0).summary(200, 0)
    out.mkdir(parents=True, exist_ok=True)
    pictured = {"healthy": (grounds.image, repainted)}
    for name in ("ground glass", "everyone"):
        real = held[name]
        gone = np.array(realism_models.paint(model, real.image, real.mask, 0))
        before, after = left(real.image, real.mask), left(gone, real.mask)
        found[name] = {
            "nodules": len(real),
            "above the lung around, HU": _quartiles(before),
            "after removal, HU": _quartiles(after),
        }
        pictured[name] = (real.image, gone)
    for name, (before, after) in pictured.items():
        chosen = np.random.default_rng(0).permutation(len(before))[:_SHOWN]
        path = out / f"{name.replace(' ', '-')}.png"
        realism_figures.pairs(before[chosen], after[chosen], path)
    return found


def _rest(one):
    return one.mask, one.pixel_spacing, one.patients()


def _quartiles(values):
    return [float(value) for value in np.percentile(values, (25, 50, 75))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("set", "show"))
    parser.add_argument("path", type=pathlib.Path, help="the set to write; the run to show")
    parser.add_argument("--out", type=pathlib.Path, help="folder for removal.json and pictures")
    options = parser.parse_args()
    whole = nodules_.read(realism_reference.DATA)
    if options.what == "set":
        made = healthy(whole, whole.select("mean"))
        nodules_.write(made, options.path)
        print(f"{len(made)} places of {len(whole)} patches: {options.path}")
        return
    if options.out is None:
        parser.error("show needs --out")
    test = whole.split(realism_reference.SPLIT_SEED)["test"]
    held = {"everyone": test, "ground glass": test.select("mean")}
    found = show(realism_models.load(options.path), held, options.out)
    text = json.dumps(found, indent=1)
    print(text)
    files.write_text(options.out / "removal.json", text + "\n")


if __name__ == "__main__":
    main()
