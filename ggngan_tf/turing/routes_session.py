"""Signing in by a personal link, and what a signed-in person may know of the study."""

from typing import Annotated

import fastapi
import pydantic

from ggngan_tf.turing import design as design_
from ggngan_tf.turing import people, store
from ggngan_tf.turing import room as room_


class Link(room_.Body):
    """The secret of a personal link."""

    token: str = pydantic.Field(min_length=20, max_length=100)


def add(app: fastapi.FastAPI, room: room_.Room) -> None:
    """Adds the routes to the application."""
    anyone = Annotated[people.Person, room_.signed_in(room, None)]

    @app.post("/api/session")
    def sign_in(link: Link, request: fastapi.Request, response: fastapi.Response):
        address = request.client.host if request.client else ""
        # Only failures count: a whole hospital may sit behind one address.
        if not room.sign_ins.allows(address, cost=0):
            raise fastapi.HTTPException(429, "Too many tries; wait a minute.")
        found = people.sign_in(room.engine, link.token)
        if found is None:
            room.sign_ins.allows(address)
            raise fastapi.HTTPException(401, "This link is not valid; ask for a new one.")
        cookie, person = found
        response.set_cookie(
            room_.COOKIE,
            cookie,
            max_age=people.SESSION_DAYS * 86_400,
            httponly=True,
            samesite="strict",
            secure=room.https,
        )
        return {"role": person.role}

    @app.get("/api/session")
    def state(response: fastapi.Response, person: anyone):
        response.headers.update(room_.PRIVATE)
        design = room.study.design
        kept = ("marker", "location", "comments", "revise", "centre", "width")
        return {
            "name": person.name,
            "role": person.role,
            "title": room.study.title,
            "classes": design_.CLASSES,
            "shape": room.study.shape,
            "pixel_spacing": room.study.pixel_spacing,
            "closed": store.is_closed(room.engine),
            "slots": store.slots_of(room.engine, person.id),
        } | {name: getattr(design, name) for name in kept}

    @app.delete("/api/session")
    def sign_out(request: fastapi.Request, response: fastapi.Response):
        people.sign_out(room.engine, request.cookies.get(room_.COOKIE, ""))
        response.delete_cookie(room_.COOKIE)
        return {}
