"""Finds the axial CT series in a file or in nested folders, and lists what is left out."""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Iterator

from ggngan_tf import errors
from ggngan_tf.data.dicom import headers, reading


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A file or folder that was left out, and why."""

    path: pathlib.Path
    reason: str


@dataclasses.dataclass(frozen=True)
class Scan:
    """What was found.

    Attributes:
        series: Series Instance UID and files of each series, ordered by UID; the files by position.
        skipped: What was left out, in the order of the walk.
    """

    series: list[tuple[str, list[pathlib.Path]]]
    skipped: list[Skipped]


def find_series(path: pathlib.Path | str) -> list[tuple[str, list[pathlib.Path]]]:
    """Returns the UID and the files of each axial CT series, as `scan` does.

    Raises:
        DicomError: There is no such file or folder.
    """
    return scan(path).series


def scan(path: pathlib.Path | str) -> Scan:
    """Looks at the header of a file, or of every file below a folder.

    Raises:
        DicomError: There is no such file or folder.
    """
    found, skipped = slices(path)
    return Scan([(uid, [h.path for h in headers]) for uid, headers in found.items()], skipped)


def slices(path: pathlib.Path | str) -> tuple[dict[str, list[headers.Header]], list[Skipped]]:
    """Returns what `scan` does, with the header of each slice in the place of its file.

    Raises:
        DicomError: There is no such file or folder.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise errors.DicomError(f"{path}: no such file or folder; give a DICOM file or folder.")
    skipped: list[Skipped] = []
    found: dict[str, list[headers.Header]] = collections.defaultdict(list)
    for file in _files(path, skipped):
        try:
            header = headers.parse(reading.read(file, pixels=False), file)
        except errors.DicomError as error:
            skipped.append(Skipped(file, _without_path(str(error), file)))
        else:
            found[header.series_uid].append(header)
    ordered = {}
    for uid, unordered in sorted(found.items()):
        ordered[uid], left_out = consistent(unordered)
        skipped += left_out
    return ordered, skipped


def consistent(
    unordered: list[headers.Header],
) -> tuple[list[headers.Header], list[Skipped]]:
    """Returns one series' slices that share size, spacing and orientation, ordered by position.

    The largest such group is kept, the first of equals; second copies of an instance are left out.
    """
    groups = collections.defaultdict(list)
    for header in unordered:
        groups[_shape(header)].append(header)
    largest = max(groups.values(), key=len)
    skipped = [
        Skipped(header.path, "size, spacing or orientation differ from the rest of its series")
        for header in unordered
        if not any(header is kept for kept in largest)
    ]
    unique: dict[str, headers.Header] = {}
    for header in largest:
        first = unique.setdefault(header.sop_uid, header)
        if first is not header:
            skipped.append(Skipped(header.path, f"the same SOP Instance UID as {first.path}"))
    return sorted(unique.values(), key=lambda header: (header.height, header.sop_uid)), skipped


def _shape(header):
    rounded = (round(v, 3) + 0.0 for v in (*header.pixel_spacing, *header.orientation))
    return header.size, tuple(rounded)


def _files(path: pathlib.Path, skipped: list[Skipped]) -> Iterator[pathlib.Path]:
    if not path.is_dir():
        yield path
        return

    def unreadable(error: OSError) -> None:
        skipped.append(Skipped(pathlib.Path(error.filename), f"unreadable ({error.strerror})"))

    seen = {os.path.realpath(path)}  # links are followed, each folder is walked once
    for folder, names, files in os.walk(path, onerror=unreadable, followlinks=True):
        names[:] = [name for name in sorted(names) if _is_new(os.path.join(folder, name), seen)]
        for name in sorted(files):
            file = pathlib.Path(folder, name)
            if file.is_file():
                yield file
            else:
                skipped.append(Skipped(file, "not a regular file"))


def _is_new(folder: str, seen: set[str]) -> bool:
    place = os.path.realpath(folder)
    is_new = place not in seen
    seen.add(place)
    return is_new


def _without_path(message, path):
    return message.removeprefix(f"{path}: ")
