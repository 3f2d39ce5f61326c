"""Draws what lies between and below the lungs: heart, great vessels, airway, abdomen."""

import numpy as np

from ggngan_tf.data.phantom import anatomy, shapes

AIR, WALL, MUSCLE, LIVER, SPLEEN, FAT = -995.0, 25.0, 75.0, 62.0, 52.0, -95.0
VEINS = ("superior cava", "azygos", "left vein")
AIRWAYS = ("trachea", "right bronchus", "left bronchus")


def draw(canvas, person: anatomy.Anatomy, x, y, z: float, tubes, texture) -> None:
    """Paints heart, vessels and oesophagus into `canvas` `(row, column)`, HU.

    `tubes` are the distances of `anatomy.tube_distances`.
    """
    _heart(canvas, person, x, y, z, texture)
    for name, distance in tubes.items():
        if name in AIRWAYS:
            continue
        if name == "oesophagus":
            shapes.paint(canvas, shapes.cover(distance), 38.0)
            gas = shapes.cover(distance + 5.4, 1.2)
            shapes.paint(canvas, gas * max(np.sin(z / 9), 0), -500.0)
            continue
        blood = 0.8 * person.contrast if name in VEINS else person.contrast
        shapes.paint(canvas, shapes.cover(distance), blood)
    _nodes(canvas, x, y, z)


def draw_airway(canvas, tubes) -> None:
    """Paints trachea and main bronchi with their walls into `canvas`; they end in the lungs."""
    distance = np.minimum.reduce([tubes[name] for name in AIRWAYS])
    shapes.paint(canvas, shapes.cover(distance - 1.3), WALL)
    shapes.paint(canvas, shapes.cover(distance), AIR)


def _heart(canvas, person, x, y, z, texture):
    surface = anatomy.heart_distance(person, x, y, z)
    shapes.paint(canvas, shapes.cover(surface), MUSCLE + 4 * texture)
    size = person.heart
    chambers = (
        ((30, -24, -80), (31 * size, 20 * size, 34), 0.6),
        ((4, -40, -78), (38 * size, 15, 34), 0.25),
        ((-25, -21, -72), (20 * size, 24 * size, 34), 0.0),
        ((0, 6, -50), (31, 15, 16), 0.0),
    )
    for centre, radii, turn in chambers:
        chamber = shapes.ellipsoid(x, y, z, centre, radii, turn)
        shapes.paint(canvas, shapes.cover(chamber, 2.0), max(person.contrast, 48.0))


def _nodes(canvas, x, y, z):
    for centre, radius in (((-12, 14, 6), 4.0), ((14, -8, 8), 3.5), ((3, 16, -14), 5.0)):
        node = shapes.ellipsoid(x, y, z, centre, (radius, 0.7 * radius, 1.5 * radius))
        shapes.paint(canvas, shapes.cover(node, 1.0), 42.0)


def draw_abdomen(canvas, person: anatomy.Anatomy, x, y, z: float, cage, texture) -> None:
    """Paints liver, spleen and stomach with its gas below the diaphragm into `canvas`."""
    if z > -85:
        return
    below = np.maximum(cage + 3, z + 2 - anatomy.diaphragm_height(x, y))
    below = np.maximum(below, -anatomy.spine_distance(x, y) + 6)
    shapes.paint(canvas, shapes.cover(below, 1.5), FAT)
    liver = shapes.smooth_max(below + 1, shapes.ellipse(x, y, (-50, -12), (88, 80)), 8)
    spleen = shapes.smooth_max(below + 1, shapes.ellipse(x, y, (88, 38), (32, 46), -0.5), 8)
    stomach = shapes.smooth_max(below + 2, shapes.ellipse(x, y, (55, -22), (44, 40)), 8)
    stomach = np.maximum(stomach, -liver)
    warm = 0.35 * (person.contrast - 45)
    shapes.paint(canvas, shapes.cover(liver), LIVER + warm + 4 * texture)
    shapes.paint(canvas, shapes.cover(spleen), SPLEEN + warm + 4 * texture)
    shapes.paint(canvas, shapes.cover(stomach), 35.0)
    contents = shapes.cover(stomach + 3)
    shapes.paint(canvas, contents, 12.0)
    gas = shapes.cover(np.maximum(stomach + 3, y + 22))
    shapes.paint(canvas, gas, AIR)
