"""The organiser's page: progress, links, closing and export."""

import csv
import io
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ggngan_tf.turing import people, store
from ggngan_tf.turing import room as room_


class State(room_.Body):
    """Whether the study is closed."""

    closed: bool


class Name(room_.Body):
    """A new reader."""

    name: str = pydantic.Field(min_length=1, max_length=60, pattern=r"^[\w .@-]+$")


def add(app: fastapi.FastAPI, room: room_.Room) -> None:
    """Adds the routes to the application."""
    organiser = Annotated[people.Person, room_.signed_in(room, "organiser")]

    def link(token):
        return f"{room.url}/join#{token}"

    @app.get("/api/progress")
    def progress(response: fastapi.Response, person: organiser):
        response.headers.update(room_.PRIVATE)
        return {"closed": store.is_closed(room.engine), "readers": store.progress(room.engine)}

    @app.post("/api/study")
    def close(state: State, person: organiser):
        store.close(room.engine, state.closed)
        return {"closed": state.closed}

    @app.post("/api/readers")
    def add_reader(name: Name, person: organiser):
        return {"link": link(store.add_reader(room.engine, room.study, name.name.strip()))}

    @app.post("/api/readers/{reader_id}/renew")
    def renew(reader_id: int, person: organiser):
        token = people.renew(room.engine, reader_id)
        if token is None:
            raise fastapi.HTTPException(404, "There is no such reader.")
        return {"link": link(token)}

    @app.post("/api/readers/{reader_id}/revoke")
    def revoke(reader_id: int, person: organiser):
        if not people.revoke(room.engine, reader_id):
            raise fastapi.HTTPException(404, "There is no such reader.")
        return {}

    @app.get("/api/export.csv")
    def export(person: organiser):
        headers = room_.PRIVATE | {"Content-Disposition": 'attachment; filename="readings.csv"'}
        return responses.Response(
            as_csv(store.export(room.engine)), media_type="text/csv", headers=headers
        )


def as_csv(rows: list[dict[str, object]]) -> str:
    """Returns rows as CSV; a remark that a spreadsheet would take for a formula gets a quote."""
    file = io.StringIO()
    if rows:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({k: _harmless(v) for k, v in row.items()} for row in rows)
    return file.getvalue()


def _harmless(value):
    is_formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if is_formula else value
