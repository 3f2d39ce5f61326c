"""One person's thorax: where body, cage, mediastinum, diaphragm and lungs lie, from a seed."""

import dataclasses

import numpy as np

from ggngan_tf.data.phantom import shapes


@dataclasses.dataclass(frozen=True, eq=False)
class Tube:
    """A vessel or airway of the mediastinum: its centreline `(points, 3)` and radii, mm."""

    points: np.ndarray
    radii: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Anatomy:
    """A person, in millimetres around the carina; all shapes follow from these."""

    body: shapes.Contour
    cage: shapes.Contour
    fat: float
    muscle: float
    heart: float
    rib_phase: float
    contrast: float
    tubes: dict[str, Tube]


def person(seed: int) -> Anatomy:
    """Returns the anatomy that belongs to a seed."""
    random = np.random.default_rng((seed, 0))
    width, front, back = (random.uniform(*r) for r in ((119, 128), (73, 80), (88, 94)))
    fat, muscle = random.uniform(7, 15), random.uniform(9, 14)
    ripple = random.normal(0, 0.006, (5, 2)) / np.arange(1, 6)[:, None]
    outer = ripple + random.normal(0, 0.004, (5, 2)) / np.arange(1, 6)[:, None]
    rim = 11 + fat + muscle
    return Anatomy(
        body=shapes.Contour(
            (0, 4),
            shapes.superellipse(width + rim + 5, front + rim + 2, back + rim, (2.25, 2.7), outer),
        ),
        cage=shapes.Contour((0, 0), shapes.superellipse(width, front, back, (2.1, 2.35), ripple)),
        fat=fat,
        muscle=muscle,
        heart=random.uniform(0.92, 1.06),
        rib_phase=random.uniform(0, 1),
        contrast=float(random.choice([45.0, random.uniform(130, 220)])),
        tubes=_tubes(random),
    )


def _tubes(random) -> dict[str, Tube]:
    paths = {
        "trachea": ([(0, 0, 130), (0, 2, 60), (-1, 5, 0)], [8.5, 8.5, 9.0]),
        "right bronchus": ([(-2, 5, 1), (-16, 8, -10), (-34, 9, -24)], [7.5, 7.0, 6.0]),
        "left bronchus": ([(1, 5, 1), (20, 9, -13), (40, 13, -29)], [7.0, 6.0, 5.2]),
        "aorta": (
            [
                *((4, -18, -58), (-14, -24, -38), (-19, -24, -8), (-14, -20, 16), (2, -6, 30)),
                *((17, 12, 30), (25, 27, 16), (26, 33, -10), (22, 37, -70), (12, 38, -200)),
            ],
            [14, 15, 15, 14.5, 13.5, 12.5, 12, 12, 11.5, 10.5],
        ),
        "superior cava": ([(-24, -18, 70), (-29, -13, 20), (-30, -10, -40)], [7, 9, 10]),
        "azygos": ([(-10, 33, -120), (-10, 31, 0), (-13, 24, 12), (-26, -6, 16)], [3, 4, 4, 4.5]),
        "pulmonary trunk": ([(14, -36, -52), (17, -28, -26), (20, -12, -14)], [14, 14, 12]),
        "left pulmonary": ([(20, -12, -14), (36, 2, -11), (47, 14, -22)], [11.5, 10, 8]),
        "right pulmonary": ([(18, -14, -19), (-18, -5, -21), (-44, 3, -26)], [11, 10.5, 8.5]),
        "brachiocephalic": ([(-10, -15, 30), (-12, -8, 60), (-22, -4, 95)], [6, 6, 5]),
        "left carotid": ([(4, -6, 32), (10, -3, 60), (17, 0, 110)], [4, 4, 3.5]),
        "left subclavian": ([(15, 9, 30), (21, 12, 60), (32, 12, 85)], [5, 5, 4.5]),
        "left vein": ([(17, -25, 80), (14, -24, 56), (-24, -17, 44)], [6.5, 6.5, 7]),
        "oesophagus": ([(4, 20, 120), (5, 22, 10), (6, 24, -70), (14, 16, -140)], [7, 6.5, 7, 8]),
        "right lower vein": ([(-44, 14, -56), (-20, 12, -50)], [5.5, 6.5]),
        "left lower vein": ([(46, 20, -54), (24, 12, -48)], [5.5, 6.5]),
        "right upper vein": ([(-44, -10, -34), (-18, -2, -44)], [5.5, 6.5]),
        "left upper vein": ([(48, -12, -30), (24, -2, -42)], [5.5, 6.5]),
    }
    sway = np.append(random.normal(0, 1.2, 2), 0)
    return {
        name: Tube(np.array(points, float) + sway, np.array(radii, float))
        for name, (points, radii) in paths.items()
    }


def cage_scale(z: float) -> float:
    """Returns how wide the cage is at a height, as a share of its widest."""
    top = np.clip((z - 5) / 98, 0, 1)
    low = np.clip(-(z + 20) / 150, 0, 1)
    return float(np.sqrt(max(1 - 0.99 * top**2.2, 0.02)) * (1 + 0.05 * low))


def body_distance(person: Anatomy, x, y, z: float):
    """Returns the distance to the skin."""
    shoulder = float(0.10 * np.clip((z - 20) / 60, 0, 1) - 0.45 * np.clip((z - 85) / 60, 0, 1))
    if shoulder == 0:
        return person.body.distance(x, y)
    return person.body.distance(x, y, 1 + shoulder * x**2 / (x**2 + y**2 + 1))


def cage_distance(person: Anatomy, x, y, z: float):
    """Returns the distance to the inside of the ribs."""
    return person.cage.distance(x, y, cage_scale(z))


def spine_distance(x, y):
    """Returns the distance to the spine with the tissue around it."""
    front = shapes.ellipse(x, y, (0, 53), (21, 20))
    back = np.abs(x) - (12 + 0.42 * np.clip(y - 45, 0, 60))
    return shapes.smooth_min(front, shapes.smooth_max(back, 50 - y, 8), 8)


def heart_distance(person: Anatomy, x, y, z):
    """Returns the distance to the heart's surface."""
    size = person.heart
    left = shapes.ellipsoid(x, y, z, (24, -28, -78), (54 * size, 37 * size, 46), 0.55)
    right = shapes.ellipsoid(x, y, z, (-20, -22, -72), (30 * size, 31 * size, 42))
    atrium = shapes.ellipsoid(x, y, z, (0, 6, -50), (36, 19, 20))
    return shapes.smooth_min(shapes.smooth_min(left, right, 12), atrium, 8)


def tube_distances(person: Anatomy, x, y, z) -> dict[str, np.ndarray]:
    """Returns the distance to each vessel and airway of the mediastinum in the plane z."""
    return {n: shapes.tube(x, y, z, t.points, t.radii) for n, t in person.tubes.items()}


def mediastinum_distance(person: Anatomy, x, y, z, tubes: dict[str, np.ndarray]):
    """Returns the distance to the mediastinum with the spine, in the plane z.

    `tubes` are the `tube_distances` at the same places.
    """
    waist = 3.0 + 16 * np.clip((-38 - y) / 40, 0, 1) ** 2 + 7 * np.clip((y - 5) / 30, 0, 1)
    distance = shapes.smooth_min(np.abs(x - 3) - waist, spine_distance(x, y), 10)
    distance = shapes.smooth_min(distance, heart_distance(person, x, y, z) - 3.5, 10)
    distance = shapes.smooth_min(distance, shapes.ellipse(x, y, (6, 14), (18, 17)), 10)
    for name, tube in tubes.items():
        if tube.min() < 30:
            margin = 1.5 if "bronchus" in name else 3.0
            distance = shapes.smooth_min(distance, tube - margin, 9)
    return distance


def diaphragm_height(x, y):
    """Returns the height of the diaphragm, mm, at a place in the plane: a dome for each lung."""
    right = -92 - 0.0125 * ((x + 62) ** 2 + 0.9 * (y + 18) ** 2)
    left = -104 - 0.0125 * ((x - 62) ** 2 + 0.9 * (y + 14) ** 2)
    return np.maximum(np.where(x < 0, right, left), -190)


def lung_distance(x, y, z: float, mediastinum, cage):
    """Returns the distance to the nearer lung's surface in the plane z.

    `mediastinum` and `cage` are the distances to these at the same places.
    """
    distance = shapes.smooth_max(cage + 1.0, -mediastinum, 7)
    if z < -85:
        distance = shapes.smooth_max(distance, (diaphragm_height(x, y) - z) * 0.8, 4)
    return distance


def is_in_lung(person: Anatomy, x, y, z: float, margin: float):
    """Tells which places in the plane z lie `margin` mm or deeper in a lung."""
    mediastinum = mediastinum_distance(person, x, y, z, tube_distances(person, x, y, z))
    return lung_distance(x, y, z, mediastinum, cage_distance(person, x, y, z)) < -margin
