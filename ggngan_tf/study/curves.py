"""What a study found: figures of each arm and subset, and how arms differ, with intervals."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ggngan_tf import errors, files
from ggngan_tf.study import findings, metrics, tasks
from ggngan_tf.study import settings as settings_

LEVEL = 0.95
MIDDLE = (20.0, 70.0)  # percent; where synthetic nodules should help


def collect(
    study: settings_.Study, graph: Sequence[tasks.Task], out: pathlib.Path
) -> dict[str, Any]:
    """Returns the results of all classifiers that are done, of JSON's types.

    Intervals come from draws of whole test patients, the same for all classifiers; within a draw
    the seeds' figures are averaged. A difference between two arms is taken within each draw and
    seed, so that it is paired.

    Raises:
        OutputError: No classifier is done.
    """
    done = trials(study, graph, out)
    if not done:
        raise errors.OutputError(f"{out}: no classifier is done yet; run `ggngan study run`.")
    first = next(iter(done.values()))[0]
    drawn = metrics.draws(first["patients"], first["labels"], study.bootstrap)
    one = np.ones((1, len(first["labels"])), int)
    tables = {
        where: np.stack([_figures(trial, np.concatenate([one, drawn])) for trial in found])
        for where, found in done.items()
    }
    points = [_point(where, done[where], table) for where, table in tables.items()]
    differences = list(_differences(tables))
    return {
        "points": points,
        "differences": differences,
        "findings": findings.judge(points, differences),
        "test": {
            "nodules": len(first["labels"]),
            "ggns": int(first["labels"].sum()),
            "patients": len(np.unique(first["patients"])),
        },
        "level": LEVEL,
        "bootstrap": study.bootstrap,
    }


def trials(
    study: settings_.Study, graph: Sequence[tasks.Task], out: pathlib.Path
) -> dict[tuple[str, float], list[dict[str, Any]]]:
    """Returns by arm and percentage the classifiers that are done, one a seed.

    Each has its `seed`, the figures of its task, and `test` (probabilities), `labels`, `patients`
    and `nodules` of the test patients.
    """
    known = {task.name: task for task in graph}
    found: dict[tuple[str, float], list[dict[str, Any]]] = {}
    for arm, _, _ in tasks.arms(study):
        for percentage in study.percentages:
            for seed in range(study.seeds):
                task = known[f"classifier-{tasks.label(percentage, seed)}-{arm}"]
                if tasks.is_done(task, out):
                    found.setdefault((arm, percentage), []).append(_trial(task, seed, out))
    return found


def write(results: dict[str, Any], out: pathlib.Path) -> None:
    """Writes `results.json`, `points.csv`, `differences.csv` and `findings.txt`."""
    files.write_text(out / "results.json", json.dumps(results, indent=1) + "\n")
    for name in ("points", "differences"):
        rows = [_flat(row) for row in results[name]]
        files.write_text(out / f"{name}.csv", pd.DataFrame(rows).to_csv(index=False))
    lines = [f"{found['verdict']}: {found['sentence']}" for found in results["findings"]]
    files.write_text(out / "findings.txt", "\n".join(lines) + "\n")


def read(out: pathlib.Path) -> dict[str, Any]:
    """Reads what `write` wrote.

    Raises:
        OutputError: There is none, or it is of something else.
    """
    try:
        found = json.loads((out / "results.json").read_text(encoding="utf-8"))
        if not {"points", "differences", "findings"} <= set(found):
            raise KeyError("points")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise errors.OutputError(
            f"{out}: holds no results of a study; make them with `ggngan study run`."
        ) from error
    return found


def _trial(task, seed, out):
    folder = out / task.folder
    done = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    with np.load(folder / "scores.npz") as scores:
        return {"seed": seed, **done["figures"], **{name: scores[name] for name in scores.files}}


def _figures(trial, drawn):
    return metrics.bootstrap(trial["labels"], trial["test"], trial["threshold"], drawn)


def _point(where, trials, table):
    """Returns one arm at one percentage; `table` is `(seeds, 1 + rounds, figures)`."""
    mean = table.mean(axis=0)
    counts = {name: float(np.mean([t[name] for t in trials])) for name in ("real_ggns", "added")}
    errors_ = float(np.mean([t["calibration_error"] for t in trials]))
    point = {"arm": where[0], "percentage": where[1], "seeds": len(trials), **counts}
    point["calibration_error"] = errors_
    for number, name in enumerate(metrics.NAMES):
        each = [round(float(value), 6) for value in table[:, 0, number]]
        point[name] = _estimate(mean[:, number]) | {"each_seed": each}
    return point


def _differences(tables):
    """Yields arm less control, at each percentage and over the middle ones together."""
    arms = list(dict.fromkeys(arm for arm, _ in tables))
    percentages = sorted({percentage for _, percentage in tables})
    middle = [p for p in percentages if MIDDLE[0] <= p <= MIDDLE[1]]
    groups = [(f"{p:g}", [p]) for p in percentages]
    if len(middle) > 1:
        groups.append((f"{MIDDLE[0]:g}-{MIDDLE[1]:g}", middle))
    if len(percentages) > 1:
        groups.append(("all", percentages))
    for arm in arms:
        for control in arms:
            if arm == control or not _compared(arm, control):
                continue
            for name, group in groups:
                found = [_paired(tables, arm, control, p) for p in group]
                if all(each is not None for each in found):
                    yield _difference(arm, control, name, np.mean(found, axis=0))


def _compared(arm, control):
    """Everything is compared with `real`; what adds GGNs also with what costs nothing."""
    adds = arm.split("@")[0] in tasks.ADDED
    others = ("plain", "weighted", "oversampled", "copy_paste")
    return control == "real" or (adds and control in others and arm != control)


def _paired(tables, arm, control, percentage):
    pair = [tables.get((name, percentage)) for name in (arm, control)]
    if pair[0] is None or pair[1] is None or len(pair[0]) != len(pair[1]):
        return None
    return (pair[0] - pair[1]).mean(axis=0)


def _difference(arm, control, where, values):
    row = {"arm": arm, "control": control, "percentage": where}
    for number, name in enumerate(metrics.NAMES):
        row[name] = _estimate(values[:, number]) | {"p_value": _p_value(values[1:, number])}
    return row


def _estimate(values):
    """The first is that of all patients, the rest are draws."""
    low, high = np.nanquantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"value": float(values[0]), "low": float(low), "high": float(high)}


def _p_value(values):
    """Two-sided, by how many draws lie on the other side of 0 (Davison and Hinkley, 1997)."""
    values = values[np.isfinite(values)]
    smaller = min((values <= 0).sum(), (values >= 0).sum())
    return float(min(1.0, 2 * (smaller + 1) / (len(values) + 1)))


def _flat(row):
    flat = {}
    for name, value in row.items():
        if isinstance(value, dict):
            kept = {f"{name}_{part}": v for part, v in value.items() if not isinstance(v, list)}
            flat |= {(name if k == f"{name}_value" else k): v for k, v in kept.items()}
        else:
            flat[name] = value
    return flat
