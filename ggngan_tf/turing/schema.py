"""The database of a study, for SQLite and PostgreSQL.

Answers are only ever added: a changed answer is a new row, and a slot points to the latest. Links
and sessions are stored as SHA-256, so that a copy of the database opens no door.
"""

import contextlib
import pathlib
import threading
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy import event

from ggngan_tf import errors

metadata = sa.MetaData()
_TURN = threading.Lock()

study = sa.Table(
    "study",
    metadata,
    sa.Column("study_id", sa.String(64), primary_key=True),
    sa.Column("commitment", sa.String(64), nullable=False),
    sa.Column("closed_at", sa.Float),
)
readers = sa.Table(
    "readers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(80), unique=True, nullable=False),
    sa.Column("role", sa.String(16), nullable=False),  # reader or organiser
    sa.Column("link", sa.String(64), unique=True),  # SHA-256; NULL once revoked
)
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("cookie", sa.String(64), primary_key=True),  # SHA-256
    sa.Column("reader_id", sa.ForeignKey("readers.id"), nullable=False, index=True),
    sa.Column("expires_at", sa.Float, nullable=False),
)
slots = sa.Table(
    "slots",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("reader_id", sa.ForeignKey("readers.id"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),  # in the reader's own order, 1 onwards
    sa.Column("case", sa.String(8), nullable=False),
    sa.Column("occasion", sa.Integer, nullable=False),  # 0 in training
    sa.Column("answer_id", sa.Integer),
    sa.UniqueConstraint("reader_id", "position"),
)
answers = sa.Table(
    "answers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("slot_id", sa.ForeignKey("slots.id"), nullable=False, index=True),
    sa.Column("rating", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),  # while the page was visible
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("row", sa.Float),
    sa.Column("column", sa.Float),
    sa.Column("answered_at", sa.Float, nullable=False),
)


def connect(url: str) -> sa.Engine:
    """Opens a database and makes its tables where they are missing.

    SQLite works in WAL mode with a full synchronisation at each commit: an answer that was
    confirmed outlives the process and a power cut.

    Raises:
        ReadingError: The database does not answer, or its driver is not installed.
    """
    try:
        is_file = sa.make_url(url).get_backend_name() == "sqlite"
        engine = sa.create_engine(url, pool_size=40, max_overflow=20, pool_pre_ping=not is_file)
        if is_file:
            _prepare_sqlite(engine)
            # Before SQLite makes it: its -wal and -shm files take the mode of the database.
            pathlib.Path(engine.url.database).touch(mode=0o600)
        metadata.create_all(engine)
    except (sa.exc.SQLAlchemyError, ImportError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise errors.ReadingError(
            f"database {sa.engine.make_url(url).render_as_string() if '://' in url else url}: "
            f"cannot be opened ({reason}); check the address and the driver."
        ) from error
    return engine


@contextlib.contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Gives a transaction that is committed when the block ends, and is durable then."""
    # SQLite lets one write at a time and makes the others poll, some of them for seconds.
    turn = _TURN if engine.dialect.name == "sqlite" else contextlib.nullcontext()
    with turn, engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def _prepare_sqlite(engine):
    @event.listens_for(engine, "connect")
    def set_pragmas(connection, _):
        connection.isolation_level = None  # so that BEGIN below is the only one
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA busy_timeout=15000")

    @event.listens_for(engine, "begin")
    def begin(connection):
        # A transaction that turns from reading to writing may find the database changed under it.
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
