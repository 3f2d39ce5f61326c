"""Who may enter: personal links and the sessions that they open, both kept as SHA-256."""

import dataclasses
import hashlib
import secrets
import time
from typing import Literal

import sqlalchemy as sa

from ggngan_tf.turing import schema

SESSION_DAYS = 60
Role = Literal["reader", "organiser"]

# Every request asks this: building the statement costs as much as running it.
_WHO = (
    sa.select(schema.readers.c.id, schema.readers.c.name, schema.readers.c.role)
    .join(schema.sessions, schema.sessions.c.reader_id == schema.readers.c.id)
    .where(
        schema.sessions.c.cookie == sa.bindparam("cookie"),
        schema.sessions.c.expires_at > sa.bindparam("now"),
    )
)


@dataclasses.dataclass(frozen=True)
class Person:
    """Who is signed in."""

    id: int
    name: str
    role: Role


def add(connection: sa.Connection, name: str, role: Role) -> str:
    """Adds a person within a transaction and returns the secret of the link."""
    token = secrets.token_urlsafe(32)
    values = {"name": name, "role": role, "link": _hash(token)}
    connection.execute(sa.insert(schema.readers).values(values))
    return token


def renew(engine: sa.Engine, reader_id: int) -> str | None:
    """Replaces a reader's link, ends all sessions, and returns the new link's secret."""
    token = secrets.token_urlsafe(32)
    return token if _set_link(engine, reader_id, _hash(token)) else None


def revoke(engine: sa.Engine, reader_id: int) -> bool:
    """Takes a reader's link away and ends all sessions; answers stay."""
    return _set_link(engine, reader_id, None)


def everybody(engine: sa.Engine) -> list[Person]:
    """Returns the organiser and all readers."""
    columns = (schema.readers.c[name] for name in ("id", "name", "role"))
    with engine.connect() as connection:
        return [Person(*row) for row in connection.execute(sa.select(*columns))]


def sign_in(engine: sa.Engine, token: str) -> tuple[str, Person] | None:
    """Returns a new session's cookie and its person, or None for a link that is not valid."""
    with schema.writing(engine) as connection:
        query = sa.select(schema.readers).filter_by(link=_hash(token))
        found = connection.execute(query).one_or_none()
        if found is None:
            return None
        cookie = secrets.token_urlsafe(32)
        expires = time.time() + SESSION_DAYS * 86400
        values = {"cookie": _hash(cookie), "reader_id": found.id, "expires_at": expires}
        connection.execute(sa.insert(schema.sessions).values(values))
    return cookie, Person(found.id, found.name, found.role)


def who(engine: sa.Engine, cookie: str) -> Person | None:
    """Returns whose session this is, or None."""
    values = {"cookie": _hash(cookie), "now": time.time()}
    with engine.connect() as connection:
        found = connection.execute(_WHO, values).one_or_none()
    return None if found is None else Person(*found)


def sign_out(engine: sa.Engine, cookie: str) -> None:
    """Ends one session."""
    with schema.writing(engine) as connection:
        connection.execute(sa.delete(schema.sessions).filter_by(cookie=_hash(cookie)))


def _set_link(engine, reader_id, link):
    with schema.writing(engine) as connection:
        query = sa.update(schema.readers).filter_by(id=reader_id).values(link=link)
        if connection.execute(query).rowcount == 0:
            return False
        connection.execute(sa.delete(schema.sessions).filter_by(reader_id=reader_id))
    return True


def _hash(token):
    return hashlib.sha256(token.encode()).hexdigest()
