"""Works through many series: skips what fails, resumes where it stopped, merges at the end."""

import csv
import dataclasses
import functools
import hashlib
import io
import json
import pathlib
import shutil
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ggngan_tf import errors, files, parallel
from ggngan_tf.data import nodules


class Item(Protocol):
    """One series and what to take from it."""

    @property
    def name(self) -> str:
        """What a user calls it, for `skipped.csv`."""

    @property
    def content(self) -> Any:
        """All that the result depends on, apart from the files; JSON can hold it."""


Work = Callable[[Item], tuple[nodules.NoduleSet | None, list[tuple[str, str]]]]


@dataclasses.dataclass(frozen=True)
class Skipped:
    """Something that was left out: a series, or a file, nodule or slice of one."""

    series: str
    part: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Result:
    """What a batch came to.

    Attributes:
        rows: Rows written.
        series: Series that gave rows.
        resumed: How many of them an earlier, interrupted batch had finished.
        skipped: What was left out.
    """

    rows: int
    series: int
    resumed: int
    skipped: list[Skipped]


def run(
    work: Work,
    items: Sequence[Item],
    out: pathlib.Path,
    *,
    attributes: dict[str, Any],
    renumber: bool = False,
    skipped: Sequence[Skipped] = (),
    jobs: int = 1,
    scheduler: str | None = None,
) -> Result:
    """Writes the rows of all items to `out`, and what was left out to `skipped_file(out)`.

    Each item's rows wait in a part of their own in `OUT.parts` until all are done. A batch that is
    interrupted leaves them there, and the next one takes them up; items that failed are tried
    again. No process holds more than one item's rows.

    Args:
        work: Rows of one item, and what it left out: a part of the item, and the reason.
        items: What to work through; the rows come in this order.
        out: The set to write.
        attributes: What the set says of itself.
        renumber: Whether nodules are numbered anew through the whole set.
        skipped: What was left out before.
        jobs: See `parallel.run`.
        scheduler: See `parallel.run`; its workers must see the same files.

    Raises:
        NoduleSetError: No item gave a row.
        OutputError: The folder cannot be written to, or the disk is full.
    """
    folder = out.with_name(f"{out.name}.parts")
    keys = [_key(item, attributes) for item in items]
    done = {key: found for key in keys if (found := _finished(folder, key))}
    todo = [pair for pair in zip(items, keys, strict=True) if pair[1] not in done]
    function = functools.partial(_part, work, folder)
    for key, found in parallel.run(
        function, todo, jobs=jobs, scheduler=scheduler, label="Reading series"
    ):
        done[key] = found
    left_out = [*skipped, *(Skipped(*entry) for key in keys for entry in done[key]["skipped"])]
    _write_skipped(left_out, skipped_file(out))
    full = [key for key in keys if done[key]["rows"]]
    if not full:
        reasons = left_out[0].reason if left_out else "there was none to look at"
        raise errors.NoduleSetError(f"{out}: no series gave a nodule ({reasons}).")
    rows = nodules.join([folder / f"{key}.h5" for key in full], out, attributes, renumber)
    shutil.rmtree(folder)
    return Result(rows, len(full), len(keys) - len(todo), left_out)


def skipped_file(out: pathlib.Path) -> pathlib.Path:
    """Returns where the list of what was left out goes: `SET.skipped.csv` beside `SET.h5`."""
    return out.with_name(f"{out.stem}.skipped.csv")


def _key(item, attributes):
    text = json.dumps([item.name, item.content, attributes], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _finished(folder, key) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    complete = found["rows"] == 0 or (folder / f"{key}.h5").exists()
    return found if complete and not found["failed"] else None


def _part(work, folder, pair):
    """Works on one item and leaves its rows in the folder; bad input never raises."""
    item, key = pair
    rows, skipped, failed = None, [], False
    try:
        rows, skipped = work(item)
    except errors.GgnganError as error:
        skipped, failed = [("", str(error))], True
    except Exception as error:  # one series that defeats a library must not end the batch
        skipped, failed = [("", f"{type(error).__name__}: {error}")], True
    found = {
        "rows": 0 if rows is None else len(rows),
        "skipped": [[item.name, part, reason] for part, reason in skipped],
        "failed": failed,
    }
    if rows is not None:
        nodules.write(rows, folder / f"{key}.h5")
    files.write_text(folder / f"{key}.json", json.dumps(found))
    return key, found


def _write_skipped(skipped, path):
    if not skipped:
        path.unlink(missing_ok=True)
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in dataclasses.fields(Skipped))
    writer.writerows(dataclasses.astuple(entry) for entry in skipped)
    files.write_text(path, text.getvalue())
