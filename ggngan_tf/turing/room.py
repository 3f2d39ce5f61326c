"""What the routes of the web reader share, and who may enter."""

import dataclasses
from typing import Any

import fastapi
import numpy as np
import pydantic
import sqlalchemy as sa

from ggngan_tf.turing import documents, people, security

COOKIE = "vtt"
PRIVATE = {"Cache-Control": "no-store"}


@dataclasses.dataclass(frozen=True, eq=False)
class Room:
    """What the routes share.

    Attributes:
        study: What the pack says.
        images: int16 `(case, row, column)`, HU, may be mapped from the disk.
        engine: The database.
        url: Where readers find the server; links begin with it.
        requests: Limits what one person asks for.
        sign_ins: Limits how often one address tries a link.
    """

    study: documents.Study
    images: np.ndarray
    engine: sa.Engine
    url: str
    requests: security.Limiter
    sign_ins: security.Limiter

    @property
    def https(self) -> bool:
        return self.url.startswith("https:")

    def slots(self) -> dict[str, documents.Slot]:
        return {slot.case: slot for slot in (*self.study.cases, *self.study.training)}


class Body(pydantic.BaseModel):
    """What a browser sends: nothing unknown, no NaN."""

    model_config = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False)


def signed_in(room: Room, role: people.Role | None) -> Any:
    """Returns a dependency that lets people of one role pass, or of any."""

    def check(request: fastapi.Request) -> people.Person:
        cookie = request.cookies.get(COOKIE, "")
        person = people.who(room.engine, cookie) if 0 < len(cookie) < 100 else None
        if person is None:
            raise fastapi.HTTPException(401, "Open your personal link to sign in.")
        if not room.requests.allows(f"{person.id}"):
            raise fastapi.HTTPException(429, "Too many requests; wait a moment.")
        if role is not None and person.role != role:
            raise fastapi.HTTPException(404)
        return person

    return fastapi.Depends(check)
