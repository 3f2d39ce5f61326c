"""Ground glass nodules of known size and density: where they sit and what they look like."""

import dataclasses

import numpy as np
from scipy import ndimage

from ggngan_tf import errors

# mm and HU: pure ground glass as readers meet it, 6 to 20 mm
DIAMETERS = (6.0, 20.0)
DENSITIES = (-750.0, -500.0)
GAP = 6.0  # mm between two nodules
EDGE = 0.7  # mm, how soft a nodule's edge is


@dataclasses.dataclass(frozen=True)
class Nodule:
    """One embedded nodule.

    Attributes:
        label: Its value in the label volume, 1 and up.
        centre: Slice, row and column of its middle, in pixels, fractions included.
        diameter: mm, of the sphere with the volume that was drawn (before the pleura cuts it).
        hu: Mean over its pixels, noise apart.
        attached: What it touches: `none`, `pleura` or `vessel`.
    """

    label: int
    centre: tuple[float, float, float]
    diameter: float
    hu: float
    attached: str


def insert(
    volume: np.ndarray,
    surface: np.ndarray,
    vessels: np.ndarray,
    spacing: tuple[float, float, float],
    count: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, tuple[Nodule, ...]]:
    """Paints `count` nodules into `volume` and returns their labels, uint8, and what they are.

    Args:
        volume: float32 `(slice, row, column)`, HU without noise, changed in place.
        surface: float32, distance to the lung's surface, mm, negative inside.
        vessels: float32, how much of each pixel is vessel.
        spacing: mm, of slice, row and column.
        count: How many.
        random: Decides on everything.

    Raises:
        LungError: The lung in this volume has no room for so many.
    """
    labels = np.zeros(volume.shape, np.uint8)
    nodules = []
    for label in range(1, count + 1):
        attached = ("none", "pleura", "vessel")[(label - 1) % 3]
        diameter = float(random.uniform(*DIAMETERS))
        hu = float(random.uniform(*DENSITIES))
        centre = _site(surface, vessels, nodules, attached, diameter, spacing, random)
        distance, box = _shape(volume.shape, centre, diameter, spacing, random)
        _paint(volume, surface[box] < 0, labels, box, distance, label, hu, random)
        nodules.append(Nodule(label, centre, diameter, hu, attached))
    return labels, tuple(nodules)


def _site(surface, vessels, nodules, attached, diameter, spacing, random):
    radius = diameter / 2
    low, high = {
        "none": (radius + 3, np.inf),
        "vessel": (radius + 2, np.inf),
        "pleura": (0.55 * radius, 0.85 * radius),
    }[attached]
    margin = min(int(np.ceil(radius / spacing[0])), (len(surface) - 1) // 2)
    inner = slice(margin, len(surface) - margin)
    fits = (surface[inner] < -low) & (surface[inner] > -high)
    wanted = {"none": vessels[inner] < 0.05, "vessel": vessels[inner] > 0.8}.get(attached)
    if wanted is not None and (fits & wanted).any():
        fits &= wanted
    places = np.flatnonzero(fits)
    for place in random.permutation(places)[:500]:
        centre = np.array(np.unravel_index(place, fits.shape)) + np.array([margin, 0, 0])
        if _is_free(centre, radius, nodules, spacing):
            return tuple(float(i + random.uniform(-0.4, 0.4)) for i in centre)
    raise errors.LungError(
        f"phantom: no room for another nodule of {diameter:.0f} mm in {len(surface)} slices; "
        "ask for fewer nodules or more slices."
    )


def _is_free(centre, radius, nodules, spacing):
    gaps = [
        np.linalg.norm((centre - n.centre) * spacing) - radius - n.diameter / 2 for n in nodules
    ]
    return all(gap > GAP for gap in gaps)


def _shape(shape, centre, diameter, spacing, random):
    """Returns the distance to a lumpy ball in its box, and the box."""
    radius = diameter / 2
    reach = [int(np.ceil((1.5 * radius + 3) / s)) for s in spacing]
    box = tuple(
        slice(max(int(c) - r, 0), min(int(c) + r + 1, n))
        for c, r, n in zip(centre, reach, shape, strict=True)
    )
    axes = np.ogrid[box]
    offsets = [(a - c) * s for a, c, s in zip(axes, centre, spacing, strict=True)]
    stretch = np.exp(random.normal(0, 0.10, 3))
    stretch /= np.prod(stretch) ** (1 / 3)
    distance = np.sqrt(sum((o / s) ** 2 for o, s in zip(offsets, stretch, strict=True)))
    lumps = random.standard_normal([s.stop - s.start for s in box])
    lumps = ndimage.gaussian_filter(lumps, [max(0.22 * radius, 1.2) / s for s in spacing])
    distance = distance + 0.11 * radius * lumps / lumps.std() - radius
    return _resized(distance, radius, spacing), box


def _resized(distance, radius, spacing):
    """Moves the surface so that the ball keeps its volume in spite of the lumps."""
    wanted = 4 / 3 * np.pi * radius**3 / np.prod(spacing)
    if wanted >= distance.size:
        return distance
    return distance - np.partition(distance.ravel(), int(wanted))[int(wanted)]


def _paint(volume, lung, labels, box, distance, label, hu, random):
    grain = ndimage.gaussian_filter(random.standard_normal(distance.shape), 1.1)
    share = lung / (1 + np.exp(distance / (0.5 * EDGE)))
    inside = (distance < 0) & lung
    before = volume[box]
    # Vessels stay visible through ground glass: only what is darker than it is filled up.
    target = np.maximum(hu + 22 * grain / grain.std(), before)
    painted = before + share * (target - before)
    painted += share * (hu - painted[inside].mean()) / share[inside].mean()
    volume[box] = painted
    labels[box][inside] = label
