"""Writes results whole or not at all, and never over something that is already there."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator

from ggngan_tf import errors


def check_new(path: pathlib.Path, force: bool = False) -> None:
    """Refuses a `path` that holds something already, unless `force` is given.

    Raises:
        OutputError: `path` is a file or a folder that is not empty, and `force` is False.
    """
    taken = any(path.iterdir()) if path.is_dir() else path.exists()
    if taken and not force:
        raise errors.OutputError(f"{path}: exists already; name another place or give --force.")


@contextlib.contextmanager
def atomic_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a temporary name beside `path`, and renames it to `path` if all went well.

    Raises:
        OutputError: The folder cannot be written to, or the disk is full.
    """
    with _reported(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix
        )
        os.close(descriptor)
        temporary = pathlib.Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives an empty folder beside `path`, and puts it in the place of `path` if all went well.

    Raises:
        OutputError: The parent folder cannot be written to, or the disk is full.
    """
    with _reported(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = pathlib.Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            if path.exists():
                shutil.rmtree(path)
            temporary.replace(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes `text` to `path`, whole or not at all.

    Raises:
        OutputError: The folder cannot be written to, or the disk is full.
    """
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sha256(path: pathlib.Path) -> str:
    """Returns the SHA-256 of a file as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def _reported(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise errors.OutputError(f"{path}: cannot be written ({reason}).") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
