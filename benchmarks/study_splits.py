"""Several studies of one set, each with other test patients, taken together.

One study's intervals hold the chance of its test patients. Here patients are drawn from all studies
at once, a patient as often in each study whose test set has him, and a second interval also draws
the training sets (seeds with an order of patients each) of each study.
"""

import argparse
import pathlib
from collections.abc import Sequence

import numpy as np

from ggngan_tf.study import curves, metrics, runner

PAIRS = (
    ("oversampled", "real"),
    ("copy_paste", "real"),
    ("copy_paste", "oversampled"),
    ("synthetic", "real"),
    ("synthetic", "oversampled"),
    ("synthetic", "copy_paste"),
    ("synthetic_oversampled", "real"),
    ("synthetic_oversampled", "oversampled"),
)
_BOTH = "patients_and_training_sets"


def figures(
    studies: Sequence[dict[str, list[dict]]], rounds: int, figure: str
) -> list[dict[str, np.ndarray]]:
    """Returns for each study and arm one figure, `(seeds, 1 + rounds)`; first without drawing.

    Args:
        studies: Trials of each by arm, as `curves.trials` returns them for one percentage.
        rounds: Draws of patients.
        figure: One of `metrics.NAMES`.
    """
    tests = [next(iter(one.values()))[0] for one in studies]
    patients, labels = (np.concatenate([t[k] for t in tests]) for k in ("patients", "labels"))
    one = np.ones((1, len(labels)), int)
    drawn = np.concatenate([one, metrics.draws(patients, labels, rounds)])
    ends = np.cumsum([len(t["labels"]) for t in tests])[:-1]
    weights = np.split(drawn, ends, axis=1)
    column = metrics.NAMES.index(figure)

    def measured(trial, weights):
        scores = trial["labels"], trial["test"], trial["threshold"]
        return metrics.bootstrap(*scores, weights)[:, column]

    return [
        {arm: np.stack([measured(t, own) for t in trials]) for arm, trials in one.items()}
        for one, own in zip(studies, weights, strict=True)
    ]


def together(found: Sequence[np.ndarray], seed: int = 0) -> dict[str, float | list[float]]:
    """Returns the mean over studies and both intervals.

    Args:
        found: For each study arm less control, `(seeds, 1 + rounds)`.
        seed: Of the draws of training sets.
    """
    random = np.random.default_rng(seed)
    rounds = np.arange(found[0].shape[1])
    redrawn = []
    for one in found:
        rows = random.integers(0, len(one), (len(one), len(rounds)))
        redrawn.append(one[rows, rounds].mean(axis=0))
    fixed = np.mean([one.mean(axis=0) for one in found], axis=0)
    return {
        "each": [float(one[:, 0].mean()) for one in found],
        "value": float(fixed[0]),
        "patients": _interval(fixed[1:]),
        _BOTH: _interval(np.mean(redrawn, axis=0)[1:]),
        "training_sets": sum(len(one) for one in found),
        "above_0": sum(int((one[:, 0] > 0).sum()) for one in found),
    }


def _interval(draws):
    tail = (1 - curves.LEVEL) / 2
    return np.nanquantile(draws, [tail, 1 - tail]).tolist()


def load(folder: pathlib.Path, percentage: float) -> dict[str, list[dict]]:
    """Returns the trials of a study's folder at one percentage, by arm."""
    study, _, graph = runner.load(folder)
    found = curves.trials(study, graph, folder)
    return {arm: trials for (arm, at), trials in found.items() if at == percentage}


def text(rows: dict[tuple[str, str], dict]) -> str:
    """Returns a Markdown table; in bold what leaves out 0."""
    count = len(next(iter(rows.values()))["each"])
    splits = " | ".join(f"split {number}" for number in range(count))
    lines = [
        f"| difference | {splits} | together (other patients) | "
        "(other patients and training sets) | training sets above 0 |",
        "| --- |" + " --- |" * (count + 3),
    ]
    for (arm, control), row in rows.items():
        each = " | ".join(f"{value:+.3f}" for value in row["each"])
        intervals = [_shown(row["value"], row[k]) for k in ("patients", _BOTH)]
        above = f"{row['above_0']} of {row['training_sets']}"
        lines.append(f"| `{arm}` less `{control}` | {each} | {' | '.join(intervals)} | {above} |")
    return "\n".join(lines)


def _shown(value, ends):
    shown = f"{value:+.3f} ({ends[0]:+.3f} to {ends[1]:+.3f})"
    return f"**{shown}**" if ends[0] > 0 or ends[1] < 0 else shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=pathlib.Path, help="of `ggngan study run`")
    parser.add_argument("--percentage", type=float, default=50.0)
    parser.add_argument("--figure", choices=metrics.NAMES, default="average_precision")
    parser.add_argument("--rounds", type=int, default=2000, help="draws of patients")
    options = parser.parse_args()
    studies = [load(folder, options.percentage) for folder in options.folders]
    found = figures(studies, options.rounds, options.figure)
    rows = {
        (arm, control): together([one[arm] - one[control] for one in found])
        for arm, control in PAIRS
        if all({arm, control} <= set(one) for one in found)
    }
    print(text(rows))


if __name__ == "__main__":
    main()
