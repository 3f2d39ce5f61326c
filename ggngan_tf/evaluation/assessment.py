"""The whole assessment in one folder: `results.json`, the tables behind it, nothing hidden.

`features.csv` is Table 1 with its neighbours; `real.csv` and `synthetic.csv` are the features.
"""

import dataclasses
import importlib.metadata
import json
import math
import pathlib
from collections.abc import Sequence

import pandas as pd

from ggngan_tf import errors, files, quiet
from ggngan_tf.data import nodules
from ggngan_tf.evaluation import comparison, radiomics, sources

# hardest first, should two of them say the same
_AREAS = ("cnn", "boosting", "logistic", "seam")


@dataclasses.dataclass(frozen=True)
class Assessment:
    """What `write` wrote.

    Attributes:
        results: `results.json`.
        table: `features.csv`.
        real: `real.csv`.
        synthetic: `synthetic.csv`.
    """

    results: dict
    table: pd.DataFrame
    real: pd.DataFrame
    synthetic: pd.DataFrame


def assess(
    real: sources.Source,
    synthetic: sources.Source,
    training: sources.Source | None = None,
    *,
    seeds: Sequence[nodules.NoduleSet] = (),
    cnn_repeats: int = 1,
    splits: int = comparison.SPLITS,
    seed: int = 0,
) -> Assessment:
    """Returns what every judge says for which there is the material.

    Args:
        real: Real nodules.
        synthetic: Synthetic ones.
        training: The real nodules that the generator learnt from.
        seeds: The places of `synthetic`, painted with other seeds.
        cnn_repeats: Repeats of the network's cross-validation; 0 leaves it out.
        splits: Draws of real against real.
        seed: Same seed, same result.

    Raises:
        RadiomicsError: There are too few nodules or patients.
    """
    reference = None if training is None else training.table
    found = comparison.compare(real.table, synthetic.table, reference, splits=splits, seed=seed)
    results = found.results
    if real.nodules is not None and synthetic.nodules is not None:
        settings = {"seeds": seeds, "repeats": cnn_repeats, "splits": splits, "seed": seed}
        results = _with_pixels(results, real, synthetic, training, settings)
    results["hardest"] = _hardest(results)
    inputs = {"real": real, "synthetic": synthetic, "training": training}
    results["inputs"] = {name: s.provenance for name, s in inputs.items() if s is not None}
    results["seed"] = seed
    results["software"] = {
        name: importlib.metadata.version(name)
        for name in ("ggngan_tf", "pyradiomics", "numpy", "scipy", "scikit-learn", "tensorflow")
    }
    return Assessment(_without_nan(results), found.table, real.table, synthetic.table)


def write(assessment: Assessment, folder: pathlib.Path) -> None:
    """Writes the folder, whole or not at all.

    Raises:
        OutputError: It cannot be written to, or the disk is full.
    """
    with files.atomic_folder(folder) as temporary:
        text = json.dumps(assessment.results, indent=1, allow_nan=False)
        (temporary / "results.json").write_text(text)
        for name in ("real", "synthetic"):
            radiomics.write(getattr(assessment, name), temporary / f"{name}.csv")
        assessment.table.to_csv(temporary / "features.csv", index=False)


def read(folder: pathlib.Path) -> Assessment:
    """Reads what `write` wrote.

    Raises:
        RadiomicsError: The folder is not one of an assessment.
    """
    try:
        results = json.loads((folder / "results.json").read_text())
        table = pd.read_csv(folder / "features.csv")
        tables = [radiomics.read(folder / f"{name}.csv") for name in ("real", "synthetic")]
    except (OSError, ValueError) as error:
        raise errors.RadiomicsError(
            f"{folder}: not the folder of a comparison ({str(error).splitlines()[0]}); "
            "make one with `ggngan compare`."
        ) from error
    return Assessment(results, table, *tables)


def _with_pixels(results, real, synthetic, training, settings):
    quiet.load_tensorflow()  # here, so that features alone do without
    from ggngan_tf.evaluation import pixels

    learnt_from = None if training is None else training.nodules
    found = pixels.compare(real.nodules, synthetic.nodules, learnt_from, **settings)
    equals = found.pop("real_vs_real")
    judges = {name: found.pop(name) for name in ("cnn", "seam") if name in found}
    joined = {"judges": results["judges"] | judges}
    return results | found | joined | {"real_vs_real": results["real_vs_real"] | equals}


def _without_nan(value):
    if isinstance(value, dict):
        return {key: _without_nan(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _hardest(results):
    areas = {name: results["judges"][name]["auc"] for name in _AREAS if name in results["judges"]}
    name = max(areas, key=areas.get)
    return {"judge": name, "auc": areas[name]}
