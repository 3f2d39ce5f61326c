"""The table of nodules that everything reads and writes: HDF5, schema `ggngan-nodules/1`.

The one room that imports h5py. `docs/design.md`, section 3, is the schema's reference.
"""

import contextlib
import dataclasses
import hashlib
import pathlib
from collections.abc import Sequence
from typing import Any, Literal

import h5py
import numpy as np

from ggngan_tf import errors, files

SCHEMA = "ggngan-nodules/1"
Rule = Literal["strict", "mean", "any", "none"]
Part = Literal["train", "validation", "test"]

# name: (type, number of dimensions, required)
_NUMBERS = {
    "image": (np.int16, 3, True),
    "mask": (np.uint8, 3, True),
    "lung": (np.uint8, 3, False),
    "roi_centre": (np.int32, 2, True),
    "slice_origin": (np.int32, 2, False),
    "pixel_spacing": (np.float32, 2, True),
    "texture": (np.int8, 2, True),
    "malignancy": (np.int8, 2, True),
    "subtlety": (np.int8, 2, True),
    "nodule_id": (np.int32, 1, True),
}
_STRINGS = ("patient_id", "series_uid", "sop_uid", "manufacturer")
_PIXELS = ("image", "mask", "lung")
_RATINGS = ("texture", "malignancy", "subtlety")
_PACKED = {"compression": "gzip", "compression_opts": 4, "shuffle": True}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class NoduleSet:
    """One row a nodule, N rows; arrays are in memory.

    Attributes:
        image: int16 `(N, row, column)`, HU.
        mask: uint8 `(N, row, column)`, the nodule's pixels.
        lung: uint8 `(N, row, column)`, the lung region; None stands for all ones.
        roi_centre: int32 `(N, 2)`, row and column of the nodule's bounding-box centre in `image`.
        slice_origin: int32 `(N, 2)`, row and column of `image[0, 0]` in the full slice, or None.
        pixel_spacing: float32 `(N, 2)`, mm, row and column.
        texture: int8 `(N, readers)`, ratings 1 to 5, 0 where none was given.
        malignancy: int8 `(N, readers)`, likewise.
        subtlety: int8 `(N, readers)`, likewise.
        patient_id: str `(N,)`; this and the next three are empty where unknown.
        series_uid: str `(N,)`.
        sop_uid: str `(N,)`.
        manufacturer: str `(N,)`.
        nodule_id: int32 `(N,)`.
        attributes: What the file says of itself: `licence`, `note`; for synthetic sets
            `synthetic`, `generator_sha256`, `config` and `seed`.
    """

    image: np.ndarray
    mask: np.ndarray
    lung: np.ndarray | None = None
    roi_centre: np.ndarray
    slice_origin: np.ndarray | None = None
    pixel_spacing: np.ndarray
    texture: np.ndarray
    malignancy: np.ndarray
    subtlety: np.ndarray
    patient_id: np.ndarray
    series_uid: np.ndarray
    sop_uid: np.ndarray
    manufacturer: np.ndarray
    nodule_id: np.ndarray
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        _check(self)

    def __len__(self) -> int:
        return len(self.image)

    @property
    def synthetic(self) -> bool:
        """Whether a generator painted these nodules."""
        return bool(self.attributes.get("synthetic", False))

    def take(self, rows: np.ndarray) -> "NoduleSet":
        """Returns the rows that an index or a Boolean array picks, in its order."""
        columns = {name: getattr(self, name) for name in (*_NUMBERS, *_STRINGS)}
        picked = {name: None if v is None else v[rows] for name, v in columns.items()}
        return dataclasses.replace(self, **picked)

    def select(self, rule: Rule) -> "NoduleSet":
        """Returns the ground glass nodules by `rule` (see `ground_glass`).

        Raises:
            NoduleSetError: No nodule fulfils the rule.
        """
        chosen = self.take(ground_glass(self.texture, rule))
        if not len(chosen):
            raise errors.NoduleSetError(
                f"none of {len(self)} nodules is ground glass by rule {rule!r}; "
                "take a wider rule (any, none) or another set."
            )
        return chosen

    def split(
        self, seed: int, fractions: tuple[float, float, float] = (0.7, 0.1, 0.2)
    ) -> dict[Part, "NoduleSet"]:
        """Returns `train`, `validation` and `test`, no patient in two of them.

        A patient's part depends on `seed` and its own name only, so that it stays where it is when
        the set grows. Parts may be empty.

        Raises:
            NoduleSetError: A row names neither patient nor series.
        """
        positions = np.array([_position(seed, name) for name in self.patients()])
        first, second = fractions[0], fractions[0] + fractions[1]
        parts = np.digitize(positions, [first, second])
        return {
            name: self.take(parts == i) for i, name in enumerate(("train", "validation", "test"))
        }

    def patients(self) -> np.ndarray:
        """Returns each row's patient, or its series where the patient is unknown, str `(N,)`.

        Raises:
            NoduleSetError: A row names neither.
        """
        names = np.where(self.patient_id == "", self.series_uid, self.patient_id)
        if np.any(names == ""):
            row = int(np.argmax(names == ""))
            raise errors.NoduleSetError(
                f"row {row}: patient_id and series_uid are both empty; "
                "fill in one, so that no patient lands in two parts of a split."
            )
        return names

    def lung_or_ones(self) -> np.ndarray:
        """Returns the lung region, uint8 `(N, row, column)`; all ones where none was extracted."""
        return np.ones_like(self.mask) if self.lung is None else self.lung


def ground_glass(texture: np.ndarray, rule: Rule) -> np.ndarray:
    """Returns which nodules are ground glass, bool `(N,)`.

    Args:
        texture: int `(N, readers)`, ratings 1 (ground glass) to 5 (solid), 0 for none.
        rule: `strict`, 2 readers or more rated 1 or 2 (the paper's words); `mean`, the mean
            rating is 2 or less; `any`, 1 reader or more rated 1 or 2; `none`, every nodule.
    """
    texture = np.asarray(texture)
    low = ((texture == 1) | (texture == 2)).sum(axis=1)
    if rule == "mean":
        rated = (texture > 0).sum(axis=1)
        return (rated > 0) & (texture.sum(axis=1) <= 2 * rated)
    return low >= {"strict": 2, "any": 1, "none": 0}[rule]


def read(path: pathlib.Path | str) -> NoduleSet:
    """Reads and checks a set.

    Raises:
        NoduleSetError: `path` is not HDF5, is of another schema, or a dataset does not conform.
    """
    path = pathlib.Path(path)
    with _opened(path) as file:
        _check_attributes(file, path)
        columns = {name: _column(file, name, path) for name in (*_NUMBERS, *_STRINGS)}
        attributes = {k: _plain(v) for k, v in file.attrs.items()}
    attributes = {k: v for k, v in attributes.items() if k not in ("schema", "intensity")}
    try:
        return NoduleSet(**columns, attributes=attributes)
    except errors.NoduleSetError as error:
        raise errors.NoduleSetError(f"{path}: {error}") from None


def write(nodules: NoduleSet, path: pathlib.Path | str) -> None:
    """Writes a set, whole or not at all; image and masks are chunked by row and compressed.

    Raises:
        OutputError: The folder cannot be written to, or the disk is full.
    """
    with files.atomic_file(pathlib.Path(path)) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["schema"], file.attrs["intensity"] = SCHEMA, "HU"
        file.attrs.update(nodules.attributes)
        for name, (dtype, _, _) in _NUMBERS.items():
            values = getattr(nodules, name)
            if values is not None:
                _write_column(file, name, values.astype(dtype, copy=False))
        for name in _STRINGS:
            values = getattr(nodules, name).astype(object)
            file.create_dataset(name, data=values, dtype=h5py.string_dtype())


def join(
    parts: Sequence[pathlib.Path],
    path: pathlib.Path | str,
    attributes: dict[str, Any],
    renumber: bool = False,
) -> int:
    """Writes sets that `write` wrote as one set, whole or not at all, a row in memory at a time.

    Pixels are copied as they are compressed. Readers' ratings become as wide as the widest part's,
    filled up with 0.

    Args:
        parts: Files of one image size; all have `lung` and `slice_origin`, or none has.
        path: File to write.
        attributes: What the file says of itself.
        renumber: Number nodules anew, from 1 through all parts.

    Returns:
        How many rows were written.

    Raises:
        NoduleSetError: There are no parts, or one cannot be read or does not fit the first.
        OutputError: The folder cannot be written to, or the disk is full.
    """
    if not parts:
        raise errors.NoduleSetError(f"{path}: no nodules to write.")
    rows = last = 0
    with files.atomic_file(pathlib.Path(path)) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["schema"], file.attrs["intensity"] = SCHEMA, "HU"
        file.attrs.update(attributes)
        for part in parts:
            with _opened(part) as source:
                _check_attributes(source, part)
                _append(file, source, rows, part)
                if renumber:
                    _, order = np.unique(source["nodule_id"][...], return_inverse=True)
                    file["nodule_id"][rows:] = order + last + 1
                    last += int(order.max()) + 1
                rows += len(source["image"])
    return rows


def fingerprint(path: pathlib.Path | str) -> str:
    """Returns the SHA-256 of a set's file, for provenance."""
    return files.sha256(pathlib.Path(path))


def _write_column(file, name, values):
    if name in _PIXELS and len(values):
        chunks = (1, *values.shape[1:])
        file.create_dataset(name, data=values, chunks=chunks, **_PACKED)
    else:
        file.create_dataset(name, data=values)


@contextlib.contextmanager
def _opened(path):
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        raise errors.NoduleSetError(
            f"{path}: cannot be read as HDF5 ({_reason(error)}); "
            "give a file that `ggngan prepare` wrote."
        ) from error


def _append(file, source, rows, part):
    for name in (*_NUMBERS, *_STRINGS):
        if name not in source and name not in file:
            continue
        if not rows:
            _create(file, name, source[name])
        if name not in source or name not in file:
            which = "has no" if name in file else "has a"
            raise errors.NoduleSetError(f"{part}: {which} {name}, unlike the sets before it.")
        if name in _RATINGS:
            _extend_ratings(file[name], source[name])
        elif file[name].shape[1:] != source[name].shape[1:]:
            raise errors.NoduleSetError(
                f"{part}: {name} has shape {source[name].shape}, needed is (rows, "
                f"{', '.join(map(str, file[name].shape[1:]))}), as in the sets before it."
            )
        else:
            _extend(file[name], source[name])


def _create(file, name, source):
    pixels, free = name in _PIXELS, name in _RATINGS
    file.create_dataset(
        name,
        shape=(0, *source.shape[1:]),
        maxshape=(None, *((None,) if free else source.shape[1:])),
        chunks=(1 if pixels else 256, *source.shape[1:]),
        dtype=h5py.string_dtype() if name in _STRINGS else _NUMBERS[name][0],
        **(_PACKED if pixels else {}),
    )


def _extend_ratings(target, source):
    rows = len(target)
    target.resize((rows + len(source), max(target.shape[1], source.shape[1])))
    target[rows:, : source.shape[1]] = source[...]


def _extend(target, source):
    rows = len(target)
    target.resize(rows + len(source), axis=0)
    if target.ndim < 3:
        target[rows:] = source[...]
        return
    packing = [(d.chunks, d.compression, d.compression_opts, d.shuffle) for d in (target, source)]
    for row in range(len(source)):
        if packing[0] == packing[1]:
            skipped_filters, packed = source.id.read_direct_chunk((row, 0, 0))
            target.id.write_direct_chunk((rows + row, 0, 0), packed, skipped_filters)
        else:
            target[rows + row] = source[row]


def _check_attributes(file, path):
    schema, intensity = (_plain(file.attrs.get(k, "")) for k in ("schema", "intensity"))
    if schema != SCHEMA:
        raise errors.NoduleSetError(
            f"{path}: attribute schema is {schema!r}, needed is {SCHEMA!r}; "
            "make the file with `ggngan prepare`."
        )
    if intensity != "HU":
        raise errors.NoduleSetError(
            f"{path}: attribute intensity is {intensity!r}, needed is 'HU'; store HU, not scaled."
        )


def _column(file, name, path):
    required = name in _STRINGS or _NUMBERS[name][2]
    if name not in file:
        if required:
            raise errors.NoduleSetError(
                f"{path}: dataset {name} is missing; the schema {SCHEMA} needs it."
            )
        return None
    dataset = file[name]
    if name in _STRINGS:
        if h5py.check_string_dtype(dataset.dtype) is None:
            raise errors.NoduleSetError(
                f"{path}: dataset {name} is {dataset.dtype}, needed are strings."
            )
        return np.asarray(dataset.asstr()[...] if dataset.shape != (0,) else [], dtype=str)
    if dataset.dtype != _NUMBERS[name][0]:
        raise errors.NoduleSetError(
            f"{path}: dataset {name} is {dataset.dtype}, needed is {np.dtype(_NUMBERS[name][0])}."
        )
    return dataset[...]


def _check(nodules):
    rows, size = len(nodules.image), nodules.image.shape[1:]
    for name, (_, dimensions, _) in _NUMBERS.items():
        values = getattr(nodules, name)
        if values is None:
            continue
        if values.ndim != dimensions or len(values) != rows:
            raise errors.NoduleSetError(
                f"dataset {name} has shape {values.shape}, needed are {dimensions} dimensions "
                f"and {rows} rows, as image has."
            )
        if name in _PIXELS and values.shape[1:] != size:
            raise errors.NoduleSetError(
                f"dataset {name} has shape {values.shape}, needed is that of image, "
                f"{nodules.image.shape}."
            )
    for name in _STRINGS:
        if getattr(nodules, name).shape != (rows,):
            raise errors.NoduleSetError(
                f"dataset {name} has shape {getattr(nodules, name).shape}, needed is ({rows},)."
            )
    _check_values(nodules)


def _check_values(nodules):
    for name in ("roi_centre", "slice_origin", "pixel_spacing"):
        values = getattr(nodules, name)
        if values is not None and values.shape[1] != 2:
            raise errors.NoduleSetError(
                f"dataset {name} has shape {values.shape}, needed is ({len(values)}, 2)."
            )
    for name in _RATINGS:
        _check_rows(nodules, name, lambda v: np.any((v < 0) | (v > 5), axis=1), "ratings 0 to 5")
    size = np.array(nodules.image.shape[1:])
    outside = lambda v: np.any((v < 0) | (v >= size), axis=1)  # noqa: E731
    _check_rows(nodules, "roi_centre", outside, f"a pixel of the {size[0]} x {size[1]} image")
    spacing = lambda v: ~np.all((v > 0) & np.isfinite(v), axis=1)  # noqa: E731
    _check_rows(nodules, "pixel_spacing", spacing, "mm above 0")
    empty = ~nodules.mask.any(axis=(1, 2))
    if empty.any():
        raise errors.NoduleSetError(
            f"dataset mask, row {int(np.argmax(empty))}: empty; mark the nodule's pixels with 1."
        )


def _check_rows(nodules, name, is_bad, needed):
    values = getattr(nodules, name)
    bad = is_bad(values)
    if bad.any():
        row = int(np.argmax(bad))
        raise errors.NoduleSetError(
            f"dataset {name}, row {row}: found {values[row].tolist()}, needed are {needed}."
        )


def _position(seed, name):
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _plain(value):
    value = value.item() if isinstance(value, np.generic) else value
    return value.decode() if isinstance(value, bytes) else value


def _reason(error):
    return str(error).splitlines()[0]
