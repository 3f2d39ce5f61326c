"""Keeps small tables that cost seconds to make in the user's cache folder."""

import contextlib
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

from ggngan_tf import errors, files


def folder() -> pathlib.Path:
    """Returns the package's cache folder: `$XDG_CACHE_HOME/ggngan_tf`, else in `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (pathlib.Path(home) if home else pathlib.Path.home() / ".cache") / "ggngan_tf"


def table(name: str, make: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Returns the table `name`: from the cache where it is there, else made and put there.

    A cache that cannot be read or written costs time, never a result.

    Args:
        name: Names the table and whatever it was made from, versions included.
        make: Makes the table; its rows hold what JSON can.
    """
    path = folder() / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        rows = make()
    # A home may be read-only, as in many containers.
    with contextlib.suppress(errors.OutputError):
        files.write_text(path, json.dumps(rows))
    return rows
