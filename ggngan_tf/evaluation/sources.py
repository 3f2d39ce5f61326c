"""Where nodules to compare come from: a table of features, a set of nodules, or both."""

import dataclasses
import pathlib

import numpy as np
import pandas as pd

from ggngan_tf import errors, files
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import radiomics


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """Nodules with their features, and with their pixels where those are at hand.

    Attributes:
        table: One row a nodule, as `radiomics.extract` gives it.
        nodules: The same rows, or None.
        provenance: Paths, fingerprints and counts, ready for JSON.
    """

    table: pd.DataFrame
    nodules: nodules_.NoduleSet | None
    provenance: dict


def load(
    path: pathlib.Path,
    set_path: pathlib.Path | None = None,
    *,
    rule: nodules_.Rule = "none",
    jobs: int = 1,
) -> Source:
    """Reads features (CSV), or a set of nodules (HDF5) whose features are computed here.

    Args:
        path: CSV of features, or HDF5.
        set_path: The set that a CSV was computed from; its column `row` picks the nodules.
        rule: Which real nodules of an HDF5 file to take; synthetic sets are taken whole.
        jobs: Worker processes for the features.

    Raises:
        RadiomicsError: The CSV does not conform, or does not belong to the set.
        NoduleSetError: The set does not conform, or no nodule fulfils the rule.
    """
    if path.suffix.lower() in (".h5", ".hdf5"):
        nodules, rows = choose(path, rule)
        table = radiomics.extract(nodules, jobs).assign(row=rows)
        return Source(table, nodules, _provenance(path, path, table, rule))
    table = radiomics.read(path)
    nodules = None if set_path is None else _matching(path, table, set_path)
    return Source(table, nodules, _provenance(path, set_path, table, None))


def choose(path: pathlib.Path, rule: nodules_.Rule) -> tuple[nodules_.NoduleSet, np.ndarray]:
    """Returns the nodules of a file that fulfil `rule` (all, if synthetic), and their rows.

    Raises:
        NoduleSetError: The set does not conform, or no nodule fulfils the rule.
    """
    nodules = nodules_.read(path)
    if nodules.synthetic or rule == "none":
        return nodules, np.arange(len(nodules))
    chosen = nodules.select(rule)
    return chosen, np.flatnonzero(nodules_.ground_glass(nodules.texture, rule))


def reread(provenance: dict | None, table: pd.DataFrame | None) -> nodules_.NoduleSet | None:
    """Returns the nodules of a source again, or None where its set has moved or changed since.

    Args:
        provenance: Of the source, or None.
        table: Its features, whose column `row` picks the nodules; None goes by the rule.
    """
    path = None if provenance is None else provenance.get("set")
    if path is None or not pathlib.Path(path).is_file():
        return None
    if nodules_.fingerprint(path) != provenance["set_sha256"]:
        return None
    if table is None:
        return choose(pathlib.Path(path), provenance["rule"] or "none")[0]
    return nodules_.read(path).take(table.row.to_numpy(int))


def _matching(path, table, set_path):
    nodules = nodules_.read(set_path)
    needed = {"row", "nodule_id"}
    if not needed <= set(table) or table.row.max() >= len(nodules):
        raise errors.RadiomicsError(
            f"{path}: its rows cannot be found in {set_path} ({len(nodules)} nodules); give the "
            "set that the features were computed from, or compare without it."
        )
    chosen = nodules.take(table.row.to_numpy(int))
    wrong = chosen.nodule_id != table.nodule_id.to_numpy()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise errors.RadiomicsError(
            f"{path}, row {row}: nodule_id is {table.nodule_id[row]}, in {set_path} it is "
            f"{chosen.nodule_id[row]}; give the set that the features were computed from."
        )
    return chosen


def _provenance(path, set_path, table, rule):
    found = {"path": str(path), "sha256": files.sha256(path), "nodules": len(table), "rule": rule}
    if set_path is not None:
        found |= {"set": str(set_path), "set_sha256": nodules_.fingerprint(set_path)}
    if "generator_sha256" in table and len(table):
        found["generator_sha256"] = str(table.generator_sha256.iloc[0])
    return found
