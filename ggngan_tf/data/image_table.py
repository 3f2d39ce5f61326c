"""Rows of one's own images: a table says which mask and which patient belong to which image."""

import csv
import dataclasses
import pathlib
from collections.abc import Sequence

from ggngan_tf import errors
from ggngan_tf.data import dicom, masks, nodules, rows, volumes

_RATINGS = ("texture", "malignancy", "subtlety")


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        number: Line of the file, for messages.
        mask: File that marks the nodules.
        patient_id: Patient; empty takes the DICOM's.
        label: The only label of the mask to take, or None for all.
        texture, malignancy, subtlety: Ratings of the line's nodules, one a reader.
    """

    number: int
    mask: pathlib.Path
    patient_id: str
    label: int | None
    texture: tuple[int, ...]
    malignancy: tuple[int, ...]
    subtlety: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Item:
    """One image and the lines that name it."""

    image: pathlib.Path
    series_uid: str | None
    lines: tuple[Line, ...]
    settings: rows.Settings

    @property
    def name(self) -> str:
        """Path of the image, and its series where one is named."""
        return f"{self.image} {self.series_uid}" if self.series_uid else str(self.image)

    @property
    def content(self):
        """Lines and settings."""
        return [list(map(dataclasses.astuple, self.lines)), dataclasses.astuple(self.settings)]


def read(path: pathlib.Path, settings: rows.Settings) -> list[Item]:
    """Reads a table, an item an image: CSV with the columns `image`, `mask` and `patient_id`.

    `image` is a DICOM folder or file, or NIfTI, NRRD or MetaImage; `mask` see `masks.read`. Paths
    are relative to the table. Optional: `series_uid` (where a folder has several), `label` (take
    this one of the mask), and `texture`, `malignancy`, `subtlety` (1 to 5, `2` or `2;1;3` for
    several readers).

    Raises:
        DicomError: The table cannot be read, lacks a column, or holds a value that is not allowed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise errors.DicomError(f"{path}: cannot be read as CSV ({error}).") from error
    if not found:
        raise errors.DicomError(f"{path}: holds no lines; name an image and a mask in each.")
    for column in ("image", "mask", "patient_id"):
        if column not in found[0]:
            raise errors.DicomError(
                f"{path}: column {column} is missing; needed are image, mask, patient_id."
            )
    groups: dict[tuple[pathlib.Path, str | None], list[Line]] = {}
    for number, line in enumerate(found, start=2):
        image, series_uid, entry = _entry(line, path, number)
        groups.setdefault((image, series_uid), []).append(entry)
    return [Item(*key, tuple(lines), settings) for key, lines in groups.items()]


def work(item: Item) -> tuple[nodules.NoduleSet | None, list[tuple[str, str]]]:
    """Returns the rows of one image, and what was left out; a mask that fails is left out alone.

    Raises:
        DicomError: The image cannot be read, or nothing in its lines can.
        LungError: A slice is not CT in HU.
    """
    series, skipped = _image(item)
    marked: list[rows.Marked] = []
    for line in item.lines:
        try:
            found = _chosen(line, masks.read(line.mask, series))
        except errors.DicomError as error:
            skipped.append((f"line {line.number}", str(error)))
            continue
        marked += _marked(line, found, len(marked) + 1)
    if not marked:
        raise errors.DicomError("; ".join(f"{part}: {reason}" for part, reason in skipped))
    cut, left_out = rows.cut(series, marked, item.settings)
    return cut, [*skipped, *left_out]


def _image(item):
    if volumes.is_volume(item.image):
        return volumes.read(item.image), []
    series = dicom.read_series(item.image, item.series_uid)
    marks = {line.mask for line in item.lines}  # may lie among the slices
    left_out = [skipped for skipped in series.skipped if skipped.path not in marks]
    return series, [(str(skipped.path), skipped.reason) for skipped in left_out]


def _chosen(line: Line, found):
    kept = [(label, mask) for label, mask in found if line.label in (None, label)]
    if not kept:
        labels = ", ".join(str(label) for label, _ in found)
        raise errors.DicomError(f"{line.mask}: has no label {line.label}; it has {labels}.")
    return kept


def _marked(line: Line, found: Sequence, first: int) -> list[rows.Marked]:
    return [
        rows.Marked(
            nodule_id=first + i,
            mask=mask,
            texture=line.texture,
            malignancy=line.malignancy,
            subtlety=line.subtlety,
            patient_id=line.patient_id,
        )
        for i, (_, mask) in enumerate(found)
    ]


def _entry(line, path, number):
    columns = (*filter(None, line), *_RATINGS, "label")
    text = {name: (line.get(name) or "").strip() for name in columns}
    try:
        ratings = {name: _ratings(text[name]) for name in _RATINGS}
        label = int(text["label"]) if text["label"] else None
    except ValueError as error:
        raise errors.DicomError(f"{path}, line {number}: {error}; mend the line.") from error
    if not text["image"] or not text["mask"]:
        raise errors.DicomError(f"{path}, line {number}: image or mask is empty; name both.")
    image, mask = path.parent / text["image"], path.parent / text["mask"]
    if volumes.is_volume(image) and not text["patient_id"]:
        raise errors.DicomError(
            f"{path}, line {number}: patient_id is empty and {image.suffix} carries none; name the "
            "patient, so that none lands in two parts of a split."
        )
    row = Line(number, mask, text["patient_id"], label, **ratings)
    return image, text.get("series_uid") or None, row


def _ratings(text):
    given = tuple(int(part) for part in text.split(";")) if text else (0,)
    if not all(0 <= rating <= 5 for rating in given):
        raise ValueError(f"rating {text!r} is not from 1 to 5")
    return given
