"""Runs the web reader on a pack."""

import csv
import dataclasses
import ipaddress
import os
import pathlib

import fastapi
import numpy as np
import sqlalchemy as sa
import uvicorn

from ggngan_tf import errors, files
from ggngan_tf.turing import app as app_
from ggngan_tf.turing import documents, pack, people, schema, store


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address:
    """Where the server listens and where readers find it.

    Attributes:
        host: To listen on; this computer only unless told otherwise.
        port: To listen on.
        url: What links begin with; follows from host and port if None.
        certificate: PEM file, to serve https; needs `private_key`.
        private_key: PEM file.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    url: str | None = None
    certificate: pathlib.Path | None = None
    private_key: pathlib.Path | None = None

    def __post_init__(self):
        if (self.certificate is None) != (self.private_key is None):
            raise errors.ReadingError("https needs both --certificate and --private-key.")
        if self.url is None and self.host in ("0.0.0.0", "::"):
            raise errors.ReadingError(
                f"host is {self.host}, every address of this computer; "
                "give --url, the one under which readers find it."
            )
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise errors.ReadingError(f"url is {self.url!r}; begin with http:// or https://.")

    @property
    def public(self) -> str:
        """What links begin with."""
        scheme = "http" if self.certificate is None else "https"
        return (self.url or f"{scheme}://{self.host}:{self.port}").rstrip("/")

    @property
    def is_exposed(self) -> bool:
        """Whether others on the network could listen to what readers send."""
        return not _is_loopback(self.host) and not self.public.startswith("https:")


def database_of(folder: pathlib.Path) -> str:
    """Returns the default database of a pack, a SQLite file beside it."""
    return f"sqlite:///{folder.resolve().with_name(f'{folder.resolve().name}.sqlite')}"


def links_of(folder: pathlib.Path) -> pathlib.Path:
    """Returns the file of personal links, beside the pack."""
    return folder.resolve().with_name(f"{folder.resolve().name}.links.csv")


def open_study(
    folder: pathlib.Path, database: str | None
) -> tuple[documents.Study, sa.Engine, dict[str, str]]:
    """Returns the study of a pack, its database, and the secrets of new links by name.

    Raises:
        ReadingError: The pack or the database cannot be opened, or do not belong together.
    """
    study = documents.read_study(folder)
    engine = schema.connect(database or database_of(folder))
    return study, engine, store.open_study(engine, study)


def existing(folder: pathlib.Path, study: documents.Study, database: str | None) -> sa.Engine:
    """Returns the database of a study that has been served.

    Raises:
        ReadingError: There is none, it cannot be opened, or it is another study's.
    """
    url = sa.make_url(database or database_of(folder))
    if url.get_backend_name() == "sqlite" and not pathlib.Path(url.database or "").exists():
        raise errors.ReadingError(
            f"{url.database}: no such database; serve the pack first, or give --answers."
        )
    engine = schema.connect(str(database or database_of(folder)))
    store.open_study(engine, study)
    return engine


def write_links(path: pathlib.Path, url: str, secrets: dict[str, str]) -> None:
    """Writes personal links, for the organiser's eyes only (mode 600)."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "link"])
        writer.writerows([name, f"{url}/join#{token}"] for name, token in secrets.items())


def new_links(engine: sa.Engine) -> dict[str, str]:
    """Replaces the links of the organiser and of all readers; returns their secrets by name."""
    return {person.name: people.renew(engine, person.id) for person in people.everybody(engine)}


def back_up(
    folder: pathlib.Path, database: str | None, out: pathlib.Path, force: bool = False
) -> None:
    """Copies the SQLite database of a pack to `out` while it is in use, whole or not at all.

    Raises:
        ReadingError: There is no such database, it is not SQLite, or it is another study's.
        OutputError: `out` is there already, or cannot be written.
    """
    files.check_new(out, force)
    engine = existing(folder, documents.read_study(folder), database)
    with files.atomic_file(out) as temporary:
        store.backup(engine, str(temporary))
    out.chmod(0o600)


def application(
    folder: pathlib.Path, study: documents.Study, engine: sa.Engine, url: str
) -> fastapi.FastAPI:
    """Returns the application for a pack.

    Raises:
        ReadingError: The pack's images are missing or do not fit.
    """
    return app_.create(study, _images(folder, study), engine, url)


def run(app: fastapi.FastAPI, address: Address) -> None:
    """Serves until it is interrupted."""
    uvicorn.run(
        app,
        host=address.host,
        port=address.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.private_key,
        timeout_graceful_shutdown=5,
    )


def _images(folder, study):
    path = folder / pack.IMAGES
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise errors.ReadingError(f"{path}: cannot be read ({error}); pack it again.") from error
    count = len(study.cases) + len(study.training)
    if images.shape != (count, *study.shape) or images.dtype != np.int16:
        raise errors.ReadingError(
            f"{path}: found {images.dtype} {images.shape}, needed is int16 "
            f"{(count, *study.shape)}; pack it again."
        )
    return images


def _is_loopback(host):
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
