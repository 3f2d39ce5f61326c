"""Sets of nodules as HDF5 files; this room alone imports h5py."""

import contextlib
import pathlib

import h5py
import numpy as np

from ggngan_tf import errors, files
from ggngan_tf.data.nodules import schema, table

PACKED = {"compression": "gzip", "compression_opts": 4, "shuffle": True}


def read(path: pathlib.Path | str) -> table.NoduleSet:
    """Reads and checks a set.

    Raises:
        NoduleSetError: `path` is not HDF5, is of another schema, or a dataset does not conform.
    """
    path = pathlib.Path(path)
    with opened(path) as file:
        check_attributes(file, path)
        columns = {name: _column(file, name, path) for name in (*schema.NUMBERS, *schema.STRINGS)}
        attributes = {k: _plain(v) for k, v in file.attrs.items()}
    attributes = {k: v for k, v in attributes.items() if k not in ("schema", "intensity")}
    try:
        return table.NoduleSet(**columns, attributes=attributes)
    except errors.NoduleSetError as error:
        raise errors.NoduleSetError(f"{path}: {error}") from None


def write(nodules: table.NoduleSet, path: pathlib.Path | str) -> None:
    """Writes a set, whole or not at all; image and masks are chunked by row and compressed.

    Raises:
        OutputError: The folder cannot be written to, or the disk is full.
    """
    with files.atomic_file(pathlib.Path(path)) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["schema"], file.attrs["intensity"] = schema.SCHEMA, "HU"
        file.attrs.update(nodules.attributes)
        for name, (dtype, _, _) in schema.NUMBERS.items():
            values = getattr(nodules, name)
            if values is not None:
                _write_column(file, name, values.astype(dtype, copy=False))
        for name in schema.STRINGS:
            values = getattr(nodules, name).astype(object)
            file.create_dataset(name, data=values, dtype=h5py.string_dtype())


def fingerprint(path: pathlib.Path | str) -> str:
    """Returns the SHA-256 of a set's file, for provenance."""
    return files.sha256(pathlib.Path(path))


def _write_column(file, name, values):
    if name in schema.PIXELS and len(values):
        chunks = (1, *values.shape[1:])
        file.create_dataset(name, data=values, chunks=chunks, **PACKED)
    else:
        file.create_dataset(name, data=values)


@contextlib.contextmanager
def opened(path):
    """Opens a file to read; what is not HDF5 is a `NoduleSetError`."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        raise errors.NoduleSetError(
            f"{path}: cannot be read as HDF5 ({_reason(error)}); "
            "give a file that `ggngan prepare` wrote."
        ) from error


def check_attributes(file, path):
    """Refuses an open file of another schema, or one whose pixels are not HU."""
    found, intensity = (_plain(file.attrs.get(k, "")) for k in ("schema", "intensity"))
    if found != schema.SCHEMA:
        raise errors.NoduleSetError(
            f"{path}: attribute schema is {found!r}, needed is {schema.SCHEMA!r}; "
            "make the file with `ggngan prepare`."
        )
    if intensity != "HU":
        raise errors.NoduleSetError(
            f"{path}: attribute intensity is {intensity!r}, needed is 'HU'; store HU, not scaled."
        )


def _column(file, name, path):
    required = name in schema.STRINGS or schema.NUMBERS[name][2]
    if name not in file:
        if required:
            raise errors.NoduleSetError(
                f"{path}: dataset {name} is missing; the schema {schema.SCHEMA} needs it."
            )
        return None
    dataset = file[name]
    if name in schema.STRINGS:
        if h5py.check_string_dtype(dataset.dtype) is None:
            raise errors.NoduleSetError(
                f"{path}: dataset {name} is {dataset.dtype}, needed are strings."
            )
        return np.asarray(dataset.asstr()[...] if dataset.shape != (0,) else [], dtype=str)
    needed = np.dtype(schema.NUMBERS[name][0])
    if dataset.dtype != needed:
        raise errors.NoduleSetError(
            f"{path}: dataset {name} is {dataset.dtype}, needed is {needed}."
        )
    return dataset[...]


def _plain(value):
    value = value.item() if isinstance(value, np.generic) else value
    return value.decode() if isinstance(value, bytes) else value


def _reason(error):
    return str(error).splitlines()[0]
