"""The web reader: what a browser may ask, and nothing else.

The server has no key: it could not tell real from synthetic if it wanted to, training cases apart.
"""

import functools
import logging
import urllib.parse

import fastapi
import numpy as np
import sqlalchemy as sa
from fastapi import exceptions, responses

from ggngan_tf.turing import (
    documents,
    routes_organiser,
    routes_reading,
    routes_session,
    security,
    store,
    web,
)
from ggngan_tf.turing import room as room_

_LOG = logging.getLogger(__name__)
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


def create(
    study: documents.Study, images: np.ndarray, engine: sa.Engine, url: str
) -> fastapi.FastAPI:
    """Returns the application, to be run by uvicorn or by a test.

    Args:
        study: What the pack says.
        images: int16 `(case, row, column)`, HU.
        engine: A database in which `store.open_study` has made this study's readers.
        url: Where readers find the server; an https address makes cookies secure.
    """
    room = room_.Room(
        study=study,
        images=images,
        engine=engine,
        url=url.rstrip("/"),
        requests=security.Limiter(burst=600, rate=20),
        sign_ins=security.Limiter(burst=20, rate=0.5),
    )
    # Reports of requests go nowhere, whatever the environment asks of FastAPI.
    silent = dict.fromkeys(
        ("tracing", "metrics", "logs", "operation_spans", "auto_configure"), False
    )
    app = fastapi.FastAPI(openapi_url=None, docs_url=None, redoc_url=None, telemetry=silent)
    host = urllib.parse.urlsplit(url).hostname
    app.add_middleware(security.Guard, hosts=_LOCAL | {host}, https=room.https)
    app.add_exception_handler(exceptions.RequestValidationError, _invalid)
    app.add_exception_handler(store.Refused, _refused)
    app.add_exception_handler(sa.exc.OperationalError, _unavailable)
    _add_assets(app)
    for routes in (routes_session, routes_reading, routes_organiser):
        routes.add(app, room)
    return app


def _invalid(_, error):
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or "request"
    return responses.JSONResponse({"error": f"{place}: {first['msg']}"}, 422)


def _refused(_, error):
    return responses.JSONResponse({"error": str(error)}, 409)


def _unavailable(_, error):
    _LOG.error("database: %s", error.orig)
    return responses.JSONResponse({"error": "The database does not answer; try again."}, 503)


def _add_assets(app):
    for path, asset in web.load().items():
        app.add_route(path, functools.partial(_serve, asset))


async def _serve(asset, request):
    return web.respond(asset, request)
