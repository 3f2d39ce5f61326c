"""Lung extraction from one axial slice."""

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data.lungs import morphology

# HU and mm; ours, settled by looking at real slices of many scanners.
TISSUE = -400  # lung and air are darker; the usual threshold between lung and soft tissue
PADDING = -1500  # HU; less than air: outside the reconstructed circle
GAS = -930  # air is darker than this throughout, lung is not
LUMEN = -650  # darker than the wall of a bronchus, which partial volume thins
TEXTURE = -850  # lung has vessels, brighter than this, gas has none
OUTER_AIR = -940
WALLS = (3.0, 1.0)  # the thinnest chest wall; what is thinner is table, tube or clothing
SLITS = 3.0  # fills notches of small vessels
CLOSING = 9.0  # fills notches of vessels and small nodules
CURVATURE = 110.0  # mm, the usual radius of the chest wall
LEAST_AREA = 100.0  # mm2 of one region of lung
SMALL_AREA = 1500.0  # mm2; so thin a lung shows partial volume, gas in bowel keeps a dark core
_RIM = 2  # pixels of outer air to keep around the body
LARGEST_HOLE = 1500.0  # mm2; a larger hole is the dome of the liver or the heart


def extract(hu: np.ndarray, pixel_spacing: tuple[float, float] = (0.7, 0.7)) -> np.ndarray:
    """Returns the lung region of one axial slice, uint8 `(row, column)`, 1 inside.

    Both lungs with their vessels and with nodules at the pleura; no trachea or main bronchi, no
    bowel gas, no table. One slice tells less than a volume: where the volume is known, take
    `extract_volume`.

    Args:
        hu: int16 `(row, column)`, HU, 64 pixels a side or more; front of the body on top.
        pixel_spacing: mm, row and column.

    Raises:
        LungError: The slice shows no lung, or is no axial slice in HU.

    Source: seed fill (Methods, "Data preparation" of the paper), from outside the body and by
    connected regions; closing and hull of the notches are ours.
    """
    check_slice(hu)
    pixel = float(np.sqrt(pixel_spacing[0] * pixel_spacing[1]))
    soft = morphology.smooth(np.clip(hu, -1024, 2000).astype(np.int16))
    for wall in WALLS:
        body, air = inner_air(hu, soft, pixel, wall)
        box = morphology.bounds(body, _RIM)  # half of most slices is air around the body
        bronchi = airway(soft[box], air[box], body[box], pixel)
        lung = lung_regions(soft[box], air[box] & (1 - bronchi), pixel)
        if lung.any():
            whole = np.zeros_like(body)
            whole[box] = closed(soft[box], lung, bronchi, body[box], pixel)
            return whole
    raise errors.LungError(
        f"no lung in this slice: {int(air.sum())} pixels below {TISSUE} HU lie inside the body "
        "and none of them look like lung; give an axial chest CT slice in HU."
    )


def check_slice(hu: np.ndarray) -> None:
    """Refuses what cannot be a slice in HU.

    Raises:
        LungError: Not two-dimensional, or not of integers.
    """
    if hu.ndim != 2 or hu.dtype != np.int16 or min(hu.shape) < 64:
        raise errors.LungError(
            f"slice is {hu.dtype} {hu.shape}, needed is int16 (row, column) in HU, 64 pixels a "
            "side or more."
        )


def inner_air(
    hu: np.ndarray, soft: np.ndarray, pixel: float, wall: float = WALLS[0]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the body without holes and what is darker than tissue in it, uint8 each."""
    air = (soft < TISSUE).astype(np.uint8)
    tissue = 1 - air
    body = morphology.largest(morphology.open_(tissue, wall / pixel))
    barrier = body | _cropped_lung(hu, soft, air, body)
    whole = 1 - morphology.outside(barrier)
    return whole, air & whole


def _cropped_lung(hu, soft, air, body):
    """A lung that the reconstructed circle cuts off is open to the outside, yet is no outer air."""
    padding = _padding(hu)
    edge = morphology.dilate(padding, 2)
    edge[[0, -1]], edge[:, [0, -1]] = 1, 1
    hull = morphology.hull(body)
    if not np.any(edge & hull & air):
        return np.zeros_like(air)
    found = morphology.regions(air & (1 - padding) & (1 - body))
    kept = np.zeros(len(found.areas), bool)
    for i in np.flatnonzero(found.areas > 0.01 * air.size):
        pixels = found.labels == i + 1
        cut = np.any(edge[pixels]) and np.mean(hull[pixels]) > 0.8
        kept[i] = cut and np.median(soft[pixels]) > OUTER_AIR
    return found.mask(kept)


def _padding(hu):
    """Marks what lies outside the reconstructed circle, uint8: one low value in the corner."""
    if hu[0, 0] != hu.min():
        return (hu < PADDING).astype(np.uint8)
    found = morphology.regions((hu == hu[0, 0]).astype(np.uint8))
    corners = found.labels[[0, 0, -1, -1], [0, -1, 0, -1]]
    return np.isin(found.labels, corners[corners > 0]).astype(np.uint8)


def airway(soft: np.ndarray, air: np.ndarray, body: np.ndarray, pixel: float) -> np.ndarray:
    """Returns trachea and main bronchi with their walls, uint8 `(row, column)`.

    They are pools of air near the middle of the body with a wall around them.
    """
    found = morphology.regions(((soft < GAS) & (air > 0)).astype(np.uint8))
    middle = np.argwhere(body).mean(axis=0) if body.any() else np.zeros(2)
    near = np.hypot(*((found.centres - middle) * pixel).T) < 70
    area = found.areas * pixel**2
    result = np.zeros_like(air)
    for i in np.flatnonzero(near & (area > 20) & (area < 900)):
        box = found.box(i, int(np.ceil(4 / pixel)))
        pool = morphology.open_((found.labels[box] == i + 1).astype(np.uint8), 1.5 / pixel)
        if pool.any() and _leak(soft[box], pool, pixel) < 0.4:
            result[box] |= morphology.dilate(pool, 2.0 / pixel)
    return result


def _leak(soft, pool, pixel):
    """Returns which share of a pool's surroundings is dark and open to it: little behind a wall."""
    around = morphology.dilate(pool, 4 / pixel)
    found = morphology.regions(((soft < LUMEN) & (around > 0)).astype(np.uint8))
    reached = found.mask(np.isin(np.arange(len(found.areas)) + 1, found.labels[pool > 0]))
    beyond = around & (1 - morphology.dilate(pool, 1.5 / pixel))
    return (reached & beyond).sum() / max(beyond.sum(), 1)


def lung_regions(soft: np.ndarray, air: np.ndarray, pixel: float) -> np.ndarray:
    """Returns those regions of the inner air that look like lung, uint8 `(row, column)`."""
    found = morphology.regions(morphology.open_(air, 1.0 / pixel))
    area = found.areas * pixel**2
    chosen = area > max(LEAST_AREA, 0.04 * area.max(initial=0))
    for i in np.flatnonzero(chosen):
        box = found.box(i, 2)
        region = (found.labels[box] == i + 1).astype(np.uint8)
        # Air under the skin spreads in strands; even the lowest crescent of a lung is thicker.
        thick = morphology.depth(np.pad(region, 1)).max() > 0.13 * np.sqrt(region.sum())
        chosen[i] = thick and not is_gas(soft[box], region > 0, pixel)
    return found.mask(chosen)


def is_gas(soft: np.ndarray, region: np.ndarray, pixel: float) -> bool:
    """Tells whether a region, bool `(row, column)`, is air without the texture of lung."""
    inner = morphology.erode(region.astype(np.uint8), 2.0 / pixel) > 0
    values = soft[inner if inner.sum() > 30 else region]
    if region.sum() * pixel**2 < SMALL_AREA:
        return bool(np.percentile(values, 10) < GAS)
    return bool(np.median(values) < GAS and np.mean(values > TEXTURE) < 0.03)


def closed(
    soft: np.ndarray, lung: np.ndarray, bronchi: np.ndarray, body: np.ndarray, pixel: float
) -> np.ndarray:
    """Returns the lungs with notches and holes filled, each lung on its own, uint8.

    Those of the `bronchi` that lie at a lung's edge stay out; those inside a lung belong to it.
    """
    box = morphology.box(lung, int(CLOSING / pixel) + 4)
    middle = np.argwhere(body).mean(axis=0) - [part.start for part in box]
    near = lung[box]
    filled = np.zeros_like(near)
    for side in sides(soft[box], near, middle, pixel):
        if side.any():
            filled |= _close_side(side, body[box], middle, pixel) & (1 - filled)
    result = np.zeros_like(lung)
    result[box] = filled & body[box] & (1 - _at_edge(filled, bronchi[box], pixel))
    return result


def _at_edge(lung, bronchi, pixel):
    found = morphology.regions(bronchi)
    chosen = np.zeros(len(found.areas), bool)
    for i in range(len(chosen)):
        box = found.box(i, int(5 / pixel))
        own = (found.labels[box] == i + 1).astype(np.uint8)
        ring = morphology.dilate(own, 4.0 / pixel) - own
        chosen[i] = lung[box][ring > 0].mean() < 0.75
    return found.mask(chosen)


def _close_side(side, body, middle, pixel):
    # Notches first: closing makes them shallow, and then they look like ribs.
    side = _fill_holes(morphology.close(side, SLITS / pixel), pixel)
    for notch, (normal, mouth), width, depth in morphology.notches(side):
        toward = (middle - mouth) / max(np.hypot(*(middle - mouth)), 1e-6)
        costal = normal @ toward < 0.2 and _tissue_behind(mouth, normal, body) * pixel < 70
        if costal and width * pixel < 60 and 0.25 * width < depth < 45 / pixel:
            # The chest wall is curved: a straight chord would cut the nodule short.
            bulge = (width * pixel) ** 2 / (8 * CURVATURE)
            side = side | morphology.dilate(notch, max(bulge / pixel, 1.0))
    return _fill_holes(morphology.close(side, CLOSING / pixel), pixel)


def _tissue_behind(mouth, normal, body):
    """Counts the pixels of body from a notch's mouth on outward: few where it is chest wall."""
    steps = np.arange(sum(body.shape))[:, None]
    points = np.round(mouth + steps * normal).astype(int)
    inside = np.all((points >= 0) & (points < body.shape), axis=1)
    return int(body[tuple(points[inside].T)].sum())


def _fill_holes(side, pixel):
    found = morphology.holes(side)
    return side | found.mask(found.areas * pixel**2 < LARGEST_HOLE)


def sides(soft: np.ndarray, lung: np.ndarray, middle: np.ndarray, pixel: float) -> list[np.ndarray]:
    """Returns the lungs left and right in the image, uint8 each, cut apart where they touch."""
    found = morphology.regions(lung)
    left = np.zeros_like(lung)
    for i, area in enumerate(found.areas):
        region = found.labels == i + 1
        share = region[:, : max(int(middle[1]), 0)].sum() / area
        if 0.15 < share < 0.85 and found.boxes[i][2] * pixel > 120:
            left |= _left_of_junction(soft, region, middle, pixel)
        elif share >= 0.5:
            left |= region.astype(np.uint8)
    return [left, lung & (1 - left)]


def _left_of_junction(soft, region, middle, pixel):
    """Cuts one region along the brightest line near the middle: there the two pleurae touch."""
    reach = int(45 / pixel)
    first = max(int(middle[1]) - reach, 0)
    band = slice(first, int(middle[1]) + reach)
    values = np.where(region[:, band], soft[:, band], 0).astype(np.float32)
    path = first + morphology.brightest_path(np.clip(values, -1000, 0))
    return (region & (np.arange(region.shape[1]) < path[:, None])).astype(np.uint8)
