"""Shapes of binary images: discs, regions, holes and notches. Radii are in pixels."""

import dataclasses

import cv2
import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Regions:
    """The connected regions of a mask: `labels` `(row, column)`, and one row a region.

    Region i has label i + 1. Boxes are (first column, first row, width, height); centres are
    (row, column).
    """

    labels: np.ndarray
    areas: np.ndarray
    boxes: np.ndarray
    centres: np.ndarray

    def mask(self, chosen: np.ndarray) -> np.ndarray:
        """Returns the union of the regions that a Boolean array picks, uint8."""
        return np.append(0, chosen).astype(np.uint8)[self.labels]

    def box(self, index: int, margin: int) -> tuple[slice, slice]:
        """Returns the rows and columns of a region with a margin around it."""
        column, row, width, height = self.boxes[index]
        return (
            slice(max(row - margin, 0), row + height + margin),
            slice(max(column - margin, 0), column + width + margin),
        )


def regions(mask: np.ndarray) -> Regions:
    """Returns the 4-connected regions of a uint8 mask `(row, column)`."""
    _, labels, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=4)
    return Regions(labels, stats[1:, cv2.CC_STAT_AREA], stats[1:, :4], centres[1:, ::-1])


def largest(mask: np.ndarray) -> np.ndarray:
    """Returns the largest connected region of a uint8 mask."""
    found = regions(mask)
    if not len(found.areas):
        return mask
    return found.mask(np.arange(len(found.areas)) == found.areas.argmax())


def bounds(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Returns the rows and columns of all that a uint8 mask marks, with a margin around it."""
    column, row, width, height = cv2.boundingRect(mask)
    return (
        slice(max(row - margin, 0), row + height + margin),
        slice(max(column - margin, 0), column + width + margin),
    )


def smooth(image: np.ndarray) -> np.ndarray:
    """Returns an int16 image with its noise damped by a 3 x 3 median."""
    return cv2.medianBlur(np.ascontiguousarray(image), 3)


def depth(mask: np.ndarray) -> np.ndarray:
    """Returns each pixel's distance to the nearest 0 of a uint8 mask, float32."""
    return cv2.distanceTransform(mask, cv2.DIST_L2, 5)


def dilate(mask: np.ndarray, radius: float) -> np.ndarray:
    """Returns a uint8 mask grown by a disc."""
    if not mask.any():
        return mask.copy()
    return (depth(1 - mask) <= radius).astype(np.uint8)


def erode(mask: np.ndarray, radius: float) -> np.ndarray:
    """Returns a uint8 mask shrunk by a disc; the image's border does not shrink it."""
    return (depth(mask) > radius).astype(np.uint8)


def open_(mask: np.ndarray, radius: float) -> np.ndarray:
    """Returns a uint8 mask without what a disc does not fit into."""
    return dilate(erode(mask, radius), radius) & mask


def close(mask: np.ndarray, radius: float) -> np.ndarray:
    """Returns a uint8 mask with every notch filled that a disc does not fit into."""
    margin = int(np.ceil(radius)) + 2
    padded = np.pad(mask, margin)
    inner = slice(margin, -margin)
    return erode(dilate(padded, radius), radius)[inner, inner] | mask


def outside(barrier: np.ndarray) -> np.ndarray:
    """Returns what a fill from around the image reaches before it meets `barrier`, uint8."""
    canvas = np.pad(barrier.astype(np.uint8), 1)
    cv2.floodFill(canvas, None, (0, 0), 2)
    return (canvas[1:-1, 1:-1] == 2).astype(np.uint8)


def holes(mask: np.ndarray) -> Regions:
    """Returns the regions that a uint8 mask encloses."""
    return regions(1 - mask - outside(mask))


def box(mask: np.ndarray, margin: int) -> tuple[slice, slice]:
    """Returns the rows and columns of what a uint8 mask marks, with a margin around it."""
    column, row, width, height = cv2.boundingRect(mask)
    return (
        slice(max(row - margin, 0), row + height + margin),
        slice(max(column - margin, 0), column + width + margin),
    )


def hull(mask: np.ndarray) -> np.ndarray:
    """Returns the convex hull of a uint8 mask."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    result = np.zeros_like(mask)
    if contours:
        cv2.fillConvexPoly(result, cv2.convexHull(np.concatenate(contours)), 1)
    return result


def notches(mask: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, float, float]]:
    """Returns the notches of one region: what its convex hull adds to it.

    Each is its mask `(row, column)`, the unit normal of its mouth pointing out `(row, column)`
    with the mouth's middle, and the mouth's width and the notch's depth in pixels.
    """
    convex = hull(mask)
    inward = depth(np.pad(convex, 1))[1:-1, 1:-1]
    found = regions(convex & (1 - mask))
    results = []
    for label in np.flatnonzero(found.areas >= 9) + 1:
        box = found.box(label - 1, 0)
        inside = found.labels[box] == label
        rim = np.argwhere(inside & (inward[box] < 2.5)) + np.array([part.start for part in box])
        if not len(rim):
            continue
        middle = rim.mean(axis=0)
        normal = middle - found.centres[label - 1]
        normal /= max(np.hypot(*normal), 1e-6)
        width = float(np.hypot(*np.ptp(rim, axis=0)))
        whole = np.zeros_like(mask)
        whole[box] = inside
        results.append((whole, np.stack([normal, middle]), width, float(inward[box][inside].max())))
    return results


def brightest_path(image: np.ndarray) -> np.ndarray:
    """Returns the column, row by row, of the brightest path from the top row to the bottom row.

    The path moves by one column at most from row to row. `image` is `(row, column)`.
    """
    rows, columns = image.shape
    score = image[0].astype(np.float64)
    steps = np.zeros((rows, columns), np.int8)
    for row in range(1, rows):
        padded = np.pad(score, 1, constant_values=-np.inf)
        around = np.stack([padded[1:-1], padded[:-2], padded[2:]])
        best = around.argmax(axis=0)
        steps[row] = np.array([0, -1, 1], np.int8)[best]
        score = around[best, np.arange(columns)] + image[row]
    path = np.empty(rows, np.intp)
    path[-1] = score.argmax()
    for row in range(rows - 1, 0, -1):
        path[row - 1] = path[row] + steps[row, path[row]]
    return path
