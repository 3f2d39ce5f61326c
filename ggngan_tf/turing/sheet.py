"""Reading without the web reader: PNGs in lung window and a sheet to fill in."""

import csv
import pathlib

import numpy as np
from PIL import Image

from ggngan_tf.turing import design as design_
from ggngan_tf.turing import documents

COLUMNS = ("reader", "batch", "position", "rating", "seconds", "comment")


def write_pngs(folder: pathlib.Path, stack: np.ndarray, design: design_.Design) -> None:
    """Writes slices, int16 HU `(slice, row, column)`, as 8-bit PNGs of one size in bytes.

    They are stored without compression: a smoother nodule would make a smaller file.
    """
    folder.mkdir(parents=True)
    for position, image in enumerate(windowed(stack, design), start=1):
        path = folder / f"{position:03d}.png"
        Image.fromarray(image).save(path, compress_level=0)


def windowed(images: np.ndarray, design: design_.Design) -> np.ndarray:
    """Returns HU as grey values, uint8, black below the window and white above it."""
    low = design.centre - design.width / 2
    share = (images.astype(np.float32) - low) / design.width
    return (np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)


def write_blank(path: pathlib.Path, study: documents.Study) -> None:
    """Writes a sheet with a line for each slice of each batch, ratings empty.

    Cases have no name there: a case that comes twice would give itself away.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number, batch in enumerate(study.batches, start=1):
            for position in range(1, len(batch.order) + 1):
                writer.writerow(["", number, position, "", "", ""])
