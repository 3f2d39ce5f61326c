"""Joins sets of nodules, a row in memory at a time."""

import pathlib
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from ggngan_tf import errors, files
from ggngan_tf.data.nodules import schema, storage


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
        file.attrs["schema"], file.attrs["intensity"] = schema.SCHEMA, "HU"
        file.attrs.update(attributes)
        for part in parts:
            with storage.opened(part) as source:
                storage.check_attributes(source, part)
                _append(file, source, rows, part)
                if renumber:
                    _, order = np.unique(source["nodule_id"][...], return_inverse=True)
                    file["nodule_id"][rows:] = order + last + 1
                    last += int(order.max()) + 1
                rows += len(source["image"])
    return rows


def _append(file, source, rows, part):
    for name in (*schema.NUMBERS, *schema.STRINGS):
        if name not in source and name not in file:
            continue
        if not rows:
            _create(file, name, source[name])
        if name not in source or name not in file:
            which = "has no" if name in file else "has a"
            raise errors.NoduleSetError(f"{part}: {which} {name}, unlike the sets before it.")
        if name in schema.RATINGS:
            _extend_ratings(file[name], source[name])
        elif file[name].shape[1:] != source[name].shape[1:]:
            raise errors.NoduleSetError(
                f"{part}: {name} has shape {source[name].shape}, needed is (rows, "
                f"{', '.join(map(str, file[name].shape[1:]))}), as in the sets before it."
            )
        else:
            _extend(file[name], source[name])


def _create(file, name, source):
    pixels, free = name in schema.PIXELS, name in schema.RATINGS
    file.create_dataset(
        name,
        shape=(0, *source.shape[1:]),
        maxshape=(None, *((None,) if free else source.shape[1:])),
        chunks=(1 if pixels else 256, *source.shape[1:]),
        dtype=h5py.string_dtype() if name in schema.STRINGS else schema.NUMBERS[name][0],
        **(storage.PACKED if pixels else {}),
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
