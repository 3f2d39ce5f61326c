"""Signed distances in mm, negative inside, and how they are painted.

Coordinates are patient millimetres: x to the patient's left (image right), y to the back (image
down), z to the head; the carina is at the origin.
"""

import numpy as np


def ellipsoid(x, y, z, centre, radii, turn: float = 0.0):
    """Returns the approximate distance to an ellipsoid turned by `turn` radians about z."""
    dx, dy, dz = x - centre[0], y - centre[1], z - centre[2]
    cos, sin = np.cos(turn), np.sin(turn)
    u, v = dx * cos + dy * sin, dy * cos - dx * sin
    scaled = np.sqrt((u / radii[0]) ** 2 + (v / radii[1]) ** 2 + (dz / radii[2]) ** 2)
    return (scaled - 1) * min(radii)


def ellipse(x, y, centre, radii, turn: float = 0.0):
    """Returns the approximate distance to an elliptic column along z."""
    return ellipsoid(x, y, 0.0, (*centre, 0.0), (*radii, 1e6), turn)


def capsule(x, y, z, start, end, start_radius, end_radius):
    """Returns the distance to a tapering rod with round ends."""
    # Python floats, as NumPy's own would make float64 of everything they meet.
    (ax, ay, az), (bx, by, bz) = map(float, start), map(float, end)
    ux, uy, uz = bx - ax, by - ay, bz - az
    squares = max(ux * ux + uy * uy + uz * uz, 1e-9)
    dx, dy, dz = x - ax, y - ay, z - az
    share = np.clip((dx * ux + dy * uy + dz * uz) / squares, 0, 1)
    away = (dx - share * ux) ** 2 + (dy - share * uy) ** 2 + (dz - share * uz) ** 2
    return np.sqrt(away) - (float(start_radius) + share * float(end_radius - start_radius))


def tube(x, y, z: float, points, radii):
    """Returns the distance to a chain of capsules in the plane z; far ones count as 100 mm away."""
    distance = np.full(np.broadcast_shapes(np.shape(x), np.shape(y)), 100.0, np.float32)
    for i in range(len(points) - 1):
        reach = max(radii[i], radii[i + 1]) + 25
        low, high = sorted((points[i][2], points[i + 1][2]))
        if low - reach < z < high + reach:
            piece = capsule(x, y, z, points[i], points[i + 1], radii[i], radii[i + 1])
            np.minimum(distance, piece, out=distance)
    return distance


def smooth_min(a, b, blend: float):
    """Returns the union of two shapes with the crease between them rounded over `blend` mm."""
    share = np.clip(0.5 + 0.5 * (b - a) / blend, 0, 1)
    return b + share * (a - b) - blend * share * (1 - share)


def smooth_max(a, b, blend: float):
    """Returns the intersection of two shapes with its edge rounded over `blend` mm."""
    return -smooth_min(-a, -b, blend)


def cover(distance, softness: float = 0.7):
    """Returns how much of a pixel lies inside a shape, 0 to 1, over `softness` mm at its edge."""
    return np.clip(0.5 - distance / (2 * softness), 0, 1)


def paint(canvas, share, hu) -> None:
    """Blends `hu` into `canvas` `(row, column)` by the share of each pixel that it covers."""
    canvas += share * (hu - canvas)


class Contour:
    """A closed curve around a centre, given by its radius at evenly spaced angles."""

    def __init__(self, centre: tuple[float, float], radius: np.ndarray):
        self.centre = centre
        self.radius = radius.astype(np.float32)
        slope = np.gradient(radius, 2 * np.pi / len(radius))
        self.shrink = (1 / np.sqrt(1 + (slope / radius) ** 2)).astype(np.float32)

    def distance(self, x, y, scale=1.0):
        """Returns the distance to the curve scaled by `scale`."""
        dx, dy = x - self.centre[0], y - self.centre[1]
        turn = len(self.radius) / (2 * np.pi)
        index = (np.arctan2(dy, dx) * turn).astype(np.int32) % len(self.radius)
        return (np.hypot(dx, dy) - scale * self.radius[index]) * self.shrink[index]


def superellipse(
    half_width: float,
    front: float,
    back: float,
    powers: tuple[float, float],
    ripple: np.ndarray,
) -> np.ndarray:
    """Returns the radius of a superellipse at 4096 angles, with `ripple` as its Fourier terms.

    `front` and `back` are its half axes toward -y and +y, `powers` its exponents there. `ripple`
    is `(terms, 2)`: cosine and sine of orders 2 and up, as shares of the radius.
    """
    angle = np.linspace(0, 2 * np.pi, 4096, endpoint=False)
    power = np.where(np.sin(angle) < 0, *powers)
    across = np.abs(np.cos(angle) / half_width) ** power
    deep = np.abs(np.sin(angle) / np.where(np.sin(angle) < 0, front, back)) ** power
    radius = (across + deep) ** (-1 / power)
    for order, (cosine, sine) in enumerate(ripple, start=2):
        radius = radius * (1 + cosine * np.cos(order * angle) + sine * np.sin(order * angle))
    return radius
