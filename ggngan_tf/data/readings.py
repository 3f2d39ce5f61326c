"""Readers' outlines of nodules: groups them to nodules, draws them as masks, measures them.

The rules are pylidc's (Hancock and Magnan, J Med Imaging, 2016), so that its numbers come out:
readings whose outlines come closer than the slice thickness are of one nodule, and an outline is
the first pixel outside the nodule.
"""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import csgraph
from scipy.spatial import distance

READERS = 4  # of LIDC-IDRI; a group of more readings is of nodules that touch


@dataclasses.dataclass(frozen=True, eq=False)
class Outline:
    """One closed curve that a reader drew in one slice.

    Attributes:
        slice: Index into the scan's `positions`.
        included: Whether the inside is nodule; False for a hole in it.
        points: int32 `(points, 2)`, row and column of the first pixels outside the nodule.
    """

    slice: int
    included: bool
    points: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Reading:
    """One reader's account of one nodule; ratings are 1 to 5, 0 where none was given."""

    reading_id: int
    texture: int
    malignancy: int
    subtlety: int
    outlines: tuple[Outline, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Scan:
    """One CT series with everything that readers outlined in it.

    Attributes:
        patient_id: Patient.
        study_uid: StudyInstanceUID.
        series_uid: SeriesInstanceUID.
        slice_thickness: mm.
        pixel_spacing: mm, rows and columns alike.
        positions: float64 `(slices,)`, mm along the patient's axis, ascending.
        readings: All readings, of all nodules and readers.
    """

    patient_id: str
    study_uid: str
    series_uid: str
    slice_thickness: float
    pixel_spacing: float
    positions: np.ndarray
    readings: tuple[Reading, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Mask:
    """A nodule's pixels in the slices that readers outlined.

    Attributes:
        slices: int `(slices,)`, indices into the scan's `positions`, ascending.
        origin: Row and column of `pixels[:, 0, 0]` in the full slice.
        pixels: bool `(slices, row, column)`.
    """

    slices: np.ndarray
    origin: tuple[int, int]
    pixels: np.ndarray

    def largest(self) -> int:
        """Returns which of `slices` shows most of the nodule; the first, if several do."""
        return int(np.argmax(self.pixels.sum(axis=(1, 2))))


def group(scan: Scan) -> list[tuple[Reading, ...]]:
    """Returns the readings of each nodule, nodules ascending along the patient's axis.

    Distances are between outline points, in pixels and slices; readings closer than the slice
    thickness (its number of mm) are of one nodule. While a group has more than four readings, the
    limit shrinks by a tenth, down to 0.1: what is still larger then is of nodules that touch.

    Source: `Scan.cluster_annotations` of pylidc 0.2.3 at its defaults.
    """
    if not scan.readings:
        return []
    clouds = [_cloud(reading) for reading in scan.readings]
    limit = scan.slice_thickness
    distances = _distances(clouds, limit)
    labels = _components(distances <= limit)
    while np.bincount(labels).max() > READERS and limit * 0.9 >= 0.1:
        limit *= 0.9
        labels = _components(distances <= limit)
    heights = np.array([cloud[:, 2].mean() for cloud in clouds])
    order = sorted(np.unique(labels), key=lambda label: heights[labels == label].mean())
    members = [np.flatnonzero(labels == label) for label in order]
    return [tuple(scan.readings[i] for i in group) for group in members]


def consensus(group: Sequence[Reading], level: float = 0.5) -> Mask:
    """Returns the pixels that at least the share `level` of a nodule's readers took for nodule.

    Slices and a frame that no reader's inside fills may come out empty.
    """
    drawn = [outline for reading in group for outline in reading.outlines]
    points = np.concatenate([outline.points for outline in drawn])
    origin = points.min(axis=0)
    slices = np.unique([outline.slice for outline in drawn])
    frame = (len(slices), *(points.max(axis=0) - origin + 1))
    votes = np.zeros(frame, dtype=int)
    for reading in group:
        votes += _draw(reading, slices, origin, frame)
    pixels = votes >= max(level * len(group), 1)
    return Mask(slices, (int(origin[0]), int(origin[1])), pixels)


def diameter(group: Sequence[Reading], pixel_spacing: float) -> float:
    """Returns the nodule's diameter in mm: the mean of what its readers' outlines measure.

    One reader's measure is the greatest distance between two points of one outline, 0 for an
    outline of one point, as in `Annotation.diameter` of pylidc.
    """
    return float(np.mean([_extent(reading) for reading in group])) * pixel_spacing


def ratings(group: Sequence[Reading], name: str) -> list[int]:
    """Returns the ratings of one property, one a reading, 0 for readers that gave none."""
    given = [getattr(reading, name) for reading in group]
    return given + [0] * (READERS - len(given))


def interior(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Returns which pixels of a frame lie inside a closed curve, bool `(row, column)`.

    Args:
        points: `(points, 2)`, row and column in the frame; pixels that they name are outside.
        shape: Rows and columns of the frame.
    """
    inside = _surrounded(points, shape)
    inside[points[:, 0], points[:, 1]] = False
    return inside


def _surrounded(points, shape):
    from matplotlib import path  # late: nothing else here needs it, and it is slow to load

    closed = np.concatenate([points, points[:1]])
    pixels = np.indices(shape).reshape(2, -1).T
    return path.Path(closed, closed=True).contains_points(pixels).reshape(shape)


def _draw(reading, slices, origin, frame):
    mask = np.zeros(frame, dtype=bool)
    # Holes come last, and each outline's own points go out at once: pylidc's order.
    for outline in sorted(reading.outlines, key=lambda outline: not outline.included):
        layer = mask[np.searchsorted(slices, outline.slice)]
        points = outline.points - origin
        inside = _surrounded(points, frame[1:])
        layer[...] = layer | inside if outline.included else layer & ~inside
        layer[points[:, 0], points[:, 1]] = False
    return mask


def _extent(reading: Reading) -> float:
    # Only corners of the convex hull can be farthest apart; the extremes of each row hold them.
    extents = [distance.pdist(_row_ends(o.points)).max(initial=0.0) for o in reading.outlines]
    return max(extents, default=0.0)


def _row_ends(points):
    order = np.lexsort((points[:, 1], points[:, 0]))
    rows = points[order, 0]
    first = np.concatenate([[True], rows[1:] != rows[:-1]])
    last = np.concatenate([first[1:], [True]])
    return points[order[first | last]]


def _cloud(reading: Reading) -> np.ndarray:
    parts = [np.insert(outline.points, 2, outline.slice, axis=1) for outline in reading.outlines]
    return np.concatenate(parts)


def _distances(clouds: Sequence[np.ndarray], limit: float) -> np.ndarray:
    low = np.array([cloud.min(axis=0) for cloud in clouds])
    high = np.array([cloud.max(axis=0) for cloud in clouds])
    found = np.full((len(clouds), len(clouds)), np.inf)
    np.fill_diagonal(found, 0.0)
    for i, j in _pairs(low, high, limit):
        found[i, j] = found[j, i] = _gap(clouds[i], clouds[j])
    return found


def _pairs(low, high, limit) -> Iterable[tuple[int, int]]:
    # Boxes farther apart than the limit hold no points closer than that.
    gaps = np.maximum(0, np.maximum(low[:, None] - high, low - high[:, None]))
    near = (gaps**2).sum(axis=2) <= limit**2
    return zip(*np.nonzero(np.triu(near, 1)), strict=True)


def _gap(one: np.ndarray, other: np.ndarray) -> float:
    # Readers of one nodule nearly always share a pixel, which is found fast.
    scale = np.array([1, 1 << 20, 1 << 40])
    if len(np.intersect1d(one @ scale, other @ scale)):
        return 0.0
    return float(distance.cdist(one, other).min())


def _components(adjacency: np.ndarray) -> np.ndarray:
    return csgraph.connected_components(adjacency, directed=False)[1]
