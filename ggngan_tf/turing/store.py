"""What the web reader remembers: readers, their order of cases, and every answer."""

import dataclasses
import secrets
import time
from typing import Any

import numpy as np
import sqlalchemy as sa

from ggngan_tf import errors
from ggngan_tf.turing import documents, people, schema, session

_NO_MORE = 10**9  # the position of the next case where all are answered


def _own_slot():
    others, reader = schema.slots.alias(), sa.bindparam("reader_id")
    first = sa.select(sa.func.min(others.c.position)).where(
        others.c.reader_id == reader, others.c.answer_id.is_(None)
    )
    following = sa.func.coalesce(first.scalar_subquery(), _NO_MORE).label("next")
    return sa.select(schema.slots, following).where(
        schema.slots.c.id == sa.bindparam("slot_id"), schema.slots.c.reader_id == reader
    )


# Every request asks this: building the statement costs as much as running it.
_OWN = _own_slot()
_LOCKED = _OWN.with_for_update(of=schema.slots)


@dataclasses.dataclass(frozen=True)
class Given:
    """An answer as it was given; `row` and `column` are pixels of the image, or None."""

    rating: int
    seconds: float
    comment: str = ""
    row: float | None = None
    column: float | None = None


class Refused(errors.ReadingError):
    """The study's rules do not allow this; nothing was stored."""


def open_study(engine: sa.Engine, study: documents.Study) -> dict[str, str]:
    """Makes the study's readers on first use, and returns their new links' secrets by name.

    On later uses it checks that the database belongs to the study, and returns nothing.

    Raises:
        ReadingError: The database belongs to another study.
    """
    with schema.writing(engine) as connection:
        found = connection.execute(sa.select(schema.study)).one_or_none()
        if found is not None:
            _check_study(found, study)
            return {}
        row = {"study_id": study.study_id, "commitment": study.commitment}
        connection.execute(sa.insert(schema.study).values(row))
        links = {"organiser": people.add(connection, "organiser", "organiser")}
        for number in range(study.design.readers):
            name = f"reader-{number + 1}"
            links[name] = _add_reader(connection, study, name, number)
    return links


def add_reader(engine: sa.Engine, study: documents.Study, name: str) -> str:
    """Adds a reader and returns the secret of the new link.

    Raises:
        Refused: The name is taken.
    """
    with schema.writing(engine) as connection:
        if connection.scalar(sa.select(schema.readers.c.id).filter_by(name=name)):
            raise Refused(f"{name}: a reader of this name is there already; take another.")
        is_reader = schema.readers.c.role == "reader"
        number = connection.scalar(sa.select(sa.func.count()).where(is_reader))
        return _add_reader(connection, study, name, number)


def is_closed(engine: sa.Engine) -> bool:
    """Tells whether the organiser has closed the study."""
    with engine.connect() as connection:
        return connection.scalar(sa.select(schema.study.c.closed_at)) is not None


def close(engine: sa.Engine, closed: bool) -> None:
    """Closes the study to answers, or opens it again."""
    with schema.writing(engine) as connection:
        values = {"closed_at": time.time() if closed else None}
        connection.execute(sa.update(schema.study).values(values))


def slots_of(engine: sa.Engine, reader_id: int) -> list[dict[str, Any]]:
    """Returns a reader's own slots in order: id, whether it is training, whether it is answered."""
    slots = schema.slots
    query = sa.select(slots).filter_by(reader_id=reader_id).order_by(slots.c.position)
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    return [
        {"slot": r.id, "training": r.occasion == 0, "answered": r.answer_id is not None}
        for r in rows
    ]


def find(engine: sa.Engine, reader_id: int, slot_id: str, ahead: int = 0) -> sa.Row | None:
    """Returns a reader's slot, or None if it is another's or lies further `ahead` than allowed."""
    with engine.connect() as connection:
        slot = _own(connection, reader_id, slot_id)
    return None if slot is None or slot.position > slot.next + ahead else slot


def latest(engine: sa.Engine, slot: sa.Row) -> Given | None:
    """Returns the answer that stands for a slot."""
    if slot.answer_id is None:
        return None
    with engine.connect() as connection:
        row = connection.execute(sa.select(schema.answers).filter_by(id=slot.answer_id)).one()
    return Given(row.rating, row.seconds, row.comment, row.row, row.column)


def answer(
    engine: sa.Engine, reader_id: int, slot_id: str, given: Given, *, revise: bool
) -> sa.Row | None:
    """Stores an answer durably and returns its slot, or None if the reader has no such slot.

    The same rating sent again (a retry after a lost reply) is taken as the first one, where
    answers may not be changed.

    Raises:
        Refused: The study is closed, an earlier case has no answer yet, or the answer stands.
    """
    with schema.writing(engine) as connection:
        slot = _own(connection, reader_id, slot_id, lock=True)
        if slot is None:
            return None
        if connection.scalar(sa.select(schema.study.c.closed_at)) is not None:
            raise Refused("The study is closed.")
        if slot.position > slot.next:
            raise Refused("An earlier case has no answer yet.")
        if slot.answer_id is not None and (slot.occasion == 0 or not revise):
            stored = sa.select(schema.answers.c.rating).filter_by(id=slot.answer_id)
            if connection.scalar(stored) == given.rating:
                return slot
            raise Refused("This answer stands and cannot be changed.")
        values = dataclasses.asdict(given) | {"slot_id": slot.id, "answered_at": time.time()}
        (number,) = connection.execute(
            sa.insert(schema.answers).values(values)
        ).inserted_primary_key
        connection.execute(sa.update(schema.slots).filter_by(id=slot.id).values(answer_id=number))
    return slot


def progress(engine: sa.Engine) -> list[dict[str, Any]]:
    """Returns each reader's progress: id, name, whether the link works, cases and answers."""
    readers, slots, answers = schema.readers, schema.slots, schema.answers
    query = (
        sa.select(
            readers.c.id,
            readers.c.name,
            readers.c.link.is_not(None).label("active"),
            sa.func.count(slots.c.id).label("cases"),
            sa.func.count(slots.c.answer_id).label("answered"),
            sa.func.max(answers.c.answered_at).label("last_at"),
            sa.func.avg(answers.c.seconds).label("seconds"),
        )
        .join(slots, slots.c.reader_id == readers.c.id)
        .outerjoin(answers, answers.c.id == slots.c.answer_id)
        .group_by(readers.c.id, readers.c.name, readers.c.link)
        .order_by(readers.c.id)
    )
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def export(engine: sa.Engine) -> list[dict[str, Any]]:
    """Returns all answers that stand, training left out, as rows of the table of readings.

    `position` counts the reader's cases from the first, training included; `answered_at` is in
    seconds since 1970, and `versions` is how often the reader answered this case.
    """
    readers, slots, answers = schema.readers, schema.slots, schema.answers
    versions = (
        sa.select(answers.c.slot_id, sa.func.count().label("versions"))
        .group_by(answers.c.slot_id)
        .subquery()
    )
    query = (
        sa.select(
            readers.c.name.label("reader"),
            *(slots.c[name] for name in ("case", "occasion", "position")),
            *(answers.c[name] for name in ("rating", "seconds", "comment", "row", "column")),
            answers.c.answered_at,
            versions.c.versions,
        )
        .join(slots, slots.c.reader_id == readers.c.id)
        .join(answers, answers.c.id == slots.c.answer_id)
        .join(versions, versions.c.slot_id == slots.c.id)
        .where(slots.c.occasion > 0)
        .order_by(readers.c.id, slots.c.position)
    )
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def backup(engine: sa.Engine, path: str) -> None:
    """Copies a SQLite database that is in use to a new file, whole.

    Raises:
        ReadingError: The database is not SQLite.
    """
    if engine.dialect.name != "sqlite":
        raise errors.ReadingError(
            f"a {engine.dialect.name} database is backed up by its own tools, such as pg_dump."
        )
    with engine.connect() as connection:
        connection.rollback()
        connection.connection.driver_connection.execute("VACUUM INTO ?", (path,))


def _check_study(found, study):
    if (found.study_id, found.commitment) != (study.study_id, study.commitment):
        raise errors.ReadingError(
            f"the database holds study {found.study_id}, the pack is {study.study_id}; "
            "name another database with --database."
        )


def _add_reader(connection, study, name, number):
    token = people.add(connection, name, "reader")
    reader_id = connection.scalar(sa.select(schema.readers.c.id).filter_by(name=name))
    random = np.random.default_rng(secrets.randbits(128))
    training = [(slot.case, 0) for slot in study.training]
    order = [training[i] for i in random.permutation(len(training))]
    order += session.order(study, number, random)
    rows = [
        {
            "id": secrets.token_urlsafe(15),
            "reader_id": reader_id,
            "position": position,
            "case": case,
            "occasion": occasion,
        }
        for position, (case, occasion) in enumerate(order, start=1)
    ]
    connection.execute(sa.insert(schema.slots), rows)
    return token


def _own(connection, reader_id, slot_id, lock=False):
    """Returns a reader's slot, and as `next` the position of the first without an answer."""
    values = {"reader_id": reader_id, "slot_id": slot_id}
    return connection.execute(_LOCKED if lock else _OWN, values).one_or_none()
