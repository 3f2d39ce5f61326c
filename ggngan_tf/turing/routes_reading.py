"""Cases, images and answers of the reader who is signed in; another's slot does not exist."""

import dataclasses
from typing import Annotated

import fastapi
import pydantic
from fastapi import responses

from ggngan_tf.turing import design as design_
from ggngan_tf.turing import documents, people, store
from ggngan_tf.turing import room as room_

_SLOT = Annotated[str, fastapi.Path(pattern=r"^[A-Za-z0-9_-]{20}$")]


class Answer(room_.Body):
    """One reading."""

    rating: int = pydantic.Field(ge=1, le=len(design_.CLASSES), strict=True)
    seconds: float = pydantic.Field(ge=0, le=86_400)
    comment: str = pydantic.Field("", max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")
    row: float | None = pydantic.Field(None, ge=0)
    column: float | None = pydantic.Field(None, ge=0)


def add(app: fastapi.FastAPI, room: room_.Room) -> None:
    """Adds the routes to the application."""
    slots = room.slots()
    raw = "application/octet-stream"
    reader = Annotated[people.Person, room_.signed_in(room, "reader")]

    def own(person, slot_id, ahead=0):
        found = store.find(room.engine, person.id, slot_id, ahead)
        if found is None:
            raise fastapi.HTTPException(404, "There is no such case for you.")
        return found

    @app.get("/api/cases/{slot_id}")
    def case(slot_id: _SLOT, response: fastapi.Response, person: reader):
        found = own(person, slot_id)
        given = store.latest(room.engine, found)
        response.headers.update(room_.PRIVATE)
        return {
            "slot": found.id,
            "centre": slots[found.case].centre,
            "answer": None if given is None else dataclasses.asdict(given),
            "truth": _truth(slots[found.case]) if given is not None else None,
        }

    @app.get("/api/images/{slot_id}")
    def image(slot_id: _SLOT, person: reader):
        found = own(person, slot_id, ahead=1)
        pixels = room.images[slots[found.case].image].astype("<i2", copy=False).tobytes()
        return responses.Response(pixels, media_type=raw, headers=room_.PRIVATE)

    @app.post("/api/cases/{slot_id}/answer")
    def answer(slot_id: _SLOT, body: Answer, person: reader):
        given = _within(body, room.study)
        revise = room.study.design.revise
        found = store.answer(room.engine, person.id, slot_id, given, revise=revise)
        if found is None:
            raise fastapi.HTTPException(404, "There is no such case for you.")
        return {"truth": _truth(slots[found.case])}


def _within(body, study):
    rows, columns = study.shape
    if (body.row is None) != (body.column is None):
        raise store.Refused("A place has a row and a column.")
    if body.row is not None and not (body.row < rows and body.column < columns):
        raise store.Refused(f"The place lies outside the image of {rows} x {columns}.")
    design = study.design
    return store.Given(
        rating=body.rating,
        seconds=body.seconds,
        comment=body.comment.strip() if design.comments else "",
        row=body.row if design.location else None,
        column=body.column if design.location else None,
    )


def _truth(slot):
    return slot.truth if isinstance(slot, documents.TrainingSlot) else None
