"""Pages that people read: one HTML file with its pictures inside, for the screen and for print.

`page` puts sections together; a section is a title and blocks of text, tables, figures and
galleries. Nothing is loaded from outside, so that a page can be mailed and kept.
"""

import base64
import dataclasses
import io
import pathlib
from collections.abc import Sequence
from typing import Any, ClassVar

import jinja2
import matplotlib.image
import numpy as np

from ggngan_tf import config


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph; `kind` is `note` for a remark and `warning` for what must not be missed."""

    text: str
    kind: str = ""
    template: ClassVar[str] = "text"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; numbers are set right, `marked` rows stand out.

    Attributes:
        columns: Headings.
        rows: Cells, as many a row as there are columns; floats get three significant digits.
        caption: What one sees.
        marked: Positions of rows to mark.
        folded: Whether it opens on a click only (it prints whole).
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""
    marked: Sequence[int] = ()
    folded: bool = False
    template: ClassVar[str] = "table"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture with a caption: `image` is PNG or SVG as bytes, `alt` says it in words."""

    image: bytes
    caption: str = ""
    alt: str = ""
    template: ClassVar[str] = "figure"

    @property
    def source(self) -> str:
        return data_uri(self.image)


@dataclasses.dataclass(frozen=True)
class Gallery:
    """Many small pictures with a word under each, shown `width` pixels wide, `columns` a row.

    Attributes:
        images: PNG as bytes.
        captions: As many, or none.
        caption: What one sees.
        columns: Pictures a row on a wide screen; None fits as many as there is room for.
        width: Pixels of the screen.
    """

    images: Sequence[bytes]
    captions: Sequence[str] = ()
    caption: str = ""
    columns: int | None = None
    width: int = 128
    template: ClassVar[str] = "gallery"

    @property
    def items(self) -> list[tuple[str, str]]:
        captions = list(self.captions) or [""] * len(self.images)
        return [(data_uri(i), c) for i, c in zip(self.images, captions, strict=True)]


@dataclasses.dataclass(frozen=True)
class Section:
    """A title and what stands under it."""

    title: str
    blocks: Sequence[Text | Table | Figure | Gallery]


def page(title: str, sections: Sequence[Section], subtitle: str = "") -> str:
    """Returns a whole HTML page; all text is escaped.

    Args:
        title: Of the page.
        sections: In their order; more than 2 get a list of contents.
        subtitle: One line under the title.
    """
    here = pathlib.Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(here), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = _cell
    environment.tests["numeric"] = _is_number
    template = environment.get_template("page.html")
    return template.render(title=title, subtitle=subtitle, sections=sections)


def picture(
    image: np.ndarray,
    window: tuple[float, float] = config.LUNG_WINDOW,
    outline: np.ndarray | None = None,
    zoom: int = 1,
) -> bytes:
    """Returns a CT image as PNG, in grey.

    Args:
        image: `(row, column)`, HU.
        window: HU shown black and white.
        outline: `(row, column)`; the edge of where it is not 0 is drawn in orange.
        zoom: Whole pixels of the picture for one of the image.
    """
    low, high = window
    grey = np.clip((np.asarray(image, float) - low) / (high - low), 0, 1)
    grey = np.kron(grey, np.ones((zoom, zoom)))
    pixels = np.repeat((255 * grey).round().astype(np.uint8)[..., None], 3, axis=2)
    if outline is not None:
        pixels[_edge(np.kron(np.asarray(outline) != 0, np.ones((zoom, zoom), bool)))] = (
            230,
            159,
            0,
        )
    file = io.BytesIO()
    matplotlib.image.imsave(file, pixels, format="png")
    return file.getvalue()


def data_uri(image: bytes) -> str:
    """Returns PNG or SVG as text that stands in a page in place of an address."""
    kind = "png" if image.startswith(b"\x89PNG") else "svg+xml"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _edge(mask):
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def _is_number(value):
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _cell(value):
    if isinstance(value, float | np.floating):
        return "n/a" if np.isnan(value) else f"{value:.3g}"
    return "yes" if value is True else "no" if value is False else value
