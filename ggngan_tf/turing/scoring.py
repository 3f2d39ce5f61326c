"""From a pack, its key and its answers to a folder of results."""

import json
import pathlib
from typing import Any

import pandas as pd

from ggngan_tf import errors, files
from ggngan_tf.turing import documents, figures, readings, rival, server, store
from ggngan_tf.turing import score as score_


def score_study(
    folder: pathlib.Path,
    key: pathlib.Path,
    out: pathlib.Path,
    *,
    answers: pathlib.Path | None = None,
    classifier: pathlib.Path | None = None,
    features: tuple[pathlib.Path, pathlib.Path] | None = None,
    database: str | None = None,
    seed: int = 0,
    force: bool = False,
) -> dict[str, Any]:
    """Writes `results.json`, `readings.csv` and figures to `out`, and returns the results.

    Args:
        folder: The pack.
        key: Its key.
        out: A new folder.
        answers: A reading done elsewhere (`readings.read`); the web reader's database if None.
        classifier: Scores of a classifier (`rival.from_csv`).
        features: Radiomics of the real and the synthetic set (`rival.from_features`).
        database: The web reader's, if not beside the pack.
        seed: Of the bootstrap and of the classifier's folds.
        force: Replace what is there.

    Raises:
        ReadingError: Pack, key, answers and classifier do not fit, or nothing is answered yet.
        OutputError: `out` is taken, or cannot be written.
    """
    files.check_new(out, force)
    study = documents.read_study(folder)
    secret = documents.read_key(key, study.study_id, study.commitment)
    given = readings.read(answers, study) if answers else _from_web(folder, study, database)
    table = readings.unblind(given, secret)
    results = {"study_id": study.study_id, "title": study.title}
    results |= {"design": study.design.model_dump(), "audit": secret.audit}
    results |= score_.score(table, seed=seed)
    results["classifier"] = _against(table, secret, classifier, features, seed)
    with files.atomic_folder(out) as temporary:
        text = json.dumps(results, indent=1, allow_nan=False)
        (temporary / "results.json").write_text(text + "\n", encoding="utf-8")
        readings.write(table, temporary / "readings.csv")
        figures.write(table, results, temporary)
    return results


def headline(results: dict[str, Any]) -> str:
    """Returns the results in a few lines, for a terminal."""
    pooled = results["pooled"]
    lines = [f"{pooled['readings']} readings of {pooled['cases']} cases"]
    for name, summary in (*results["readers"].items(), ("pooled", pooled)):
        lines.append(f"{name}: {_line(summary)}")
    if results["mrmc"]:
        found = results["mrmc"]["obuchowski_rockette"]
        lines.append(
            f"other readers, other cases: AUC {found['value']:.3f} "
            f"({found['low']:.3f} to {found['high']:.3f})"
        )
    return "\n".join(lines + results["notes"])


def _line(summary):
    accuracy, fooled = summary["accuracy"], summary["synthetic_judged_real"]["judged_real"]
    area = "-" if summary["auc"] is None else f"{summary['auc']['value']:.3f}"
    share = "-" if fooled["share"] is None else f"{fooled['share']:.0%}"
    return (
        f"AUC {area}, accuracy {accuracy['share']:.3f}, synthetic judged real "
        f"{fooled['count']}/{fooled['of']} ({share})"
    )


def _from_web(folder, study, database):
    engine = server.existing(folder, study, database)
    rows = store.export(engine)
    if not rows:
        raise errors.ReadingError(f"{folder}: nobody has answered yet; wait, or give --answers.")
    table = pd.DataFrame(rows)
    table["seconds"] = table["seconds"].astype(float)
    return table[readings.COLUMNS]


def _against(table, key, classifier, features, seed):
    if classifier is None and features is None:
        return None
    if classifier is not None:
        scores = rival.from_csv(classifier, key)
    else:
        scores = rival.from_features(*features, key, seed=seed)
    return rival.compare(table[table["occasion"] == 1], scores)
