"""Draws what is around the lungs: table, skin, fat, muscle, ribs, scapulae, spine, sternum."""

import numpy as np

from ggngan_tf.data.phantom import anatomy, shapes

# HU; textbook values for 120 kV
FAT, MUSCLE, SKIN, MARROW, CORTEX, CARTILAGE = -100.0, 52.0, 10.0, 210.0, 720.0, 105.0
RIB_SPACING = 25.0  # mm from rib to rib along z


def draw(canvas, person: anatomy.Anatomy, x, y, z: float, cage, texture) -> None:
    """Paints table and chest wall into `canvas` `(row, column)`, HU.

    Args:
        canvas: float32, changed in place.
        person: Whose chest wall.
        x: mm, `(row, column)`.
        y: mm, `(row, column)`.
        z: mm, height of the slice.
        cage: Distance to the inside of the ribs, mm.
        texture: Smooth noise of unit variance, `(row, column)`.
    """
    _table(canvas, x, y)
    body = anatomy.body_distance(person, x, y, z)
    angle = np.arctan2(y, np.abs(x))  # 0 at the side, pi / 2 at the back
    shapes.paint(canvas, shapes.cover(body), SKIN)
    shapes.paint(canvas, shapes.cover(body + 2.2), FAT + 9 * texture)
    _muscles(canvas, person, body, cage, angle, x, y, z, texture)
    _ribs(canvas, person, cage, angle, x, z)
    _scapulae(canvas, cage, angle, z)
    shapes.paint(canvas, shapes.cover(cage), FAT + 25 + 8 * texture)
    _sternum(canvas, person, x, y, z)
    back = slice(*np.searchsorted(y[:, 0], [25, 125])), slice(*np.searchsorted(x[0], [-48, 48]))
    _spine(canvas[back], x[back], y[back], z, cage[back], texture[back])


def _table(canvas, x, y):
    top = 134 - 0.0011 * x**2
    for offset, thickness, hu in ((0, 1.2, -250.0), (0, 26, -945.0), (26, 1.6, -150.0)):
        slab = np.abs(y - top - offset - thickness / 2) - thickness / 2
        slab = np.maximum(slab, np.abs(x) - 205)
        if hu < -900:
            slab = np.maximum(slab, 1.2 - (y - top))
        shapes.paint(canvas, shapes.cover(slab), hu)


def _muscles(canvas, person, body, cage, angle, x, y, z, texture):
    back = np.exp(-(((np.abs(x) - 30) / 26) ** 2)) * np.clip(y / 60, 0, 1)
    chest = np.exp(-(((angle + 0.75) / 0.42) ** 2)) * np.clip((z + 70) / 50, 0, 1)
    blade = np.exp(-(((angle - 0.62) / 0.38) ** 2)) * np.clip((z + 75) / 40, 0, 1)
    thickness = 11 + person.muscle * (0.35 + 0.9 * chest + 1.5 * blade + 1.5 * back)
    shoulder = min(max((z - 30) / 45, 0.0), 1.0) * np.cos(angle) ** 2
    thickness = thickness + 75 * shoulder
    share = shapes.cover(np.maximum(cage - thickness, body + 4 + 5 * shoulder), 1.0)
    shapes.paint(canvas, share, MUSCLE + 7 * texture)
    for depth in (0.33, 0.66):  # fat planes between the layers of muscle
        plane = np.abs(cage - 11 - depth * (thickness - 11) - 1.2 * np.sin(9 * angle))
        strength = 0.75 * share * (thickness > 18) * np.clip(1 - plane / 1.3, 0, 1)
        shapes.paint(canvas, strength, FAT)
    spaces = shapes.cover(np.abs(cage - 1.6) - 0.9, 0.8) * shapes.cover(body)
    shapes.paint(canvas, 0.8 * spaces, FAT)


def _ribs(canvas, person, cage, angle, x, z):
    front = (np.pi / 2 - angle) / np.pi  # 0 at the spine, 1 at the sternum
    drop = 112 * np.clip(front, 0, 1) ** 0.9
    phase = (z + drop) / RIB_SPACING + person.rib_phase + np.where(x < 0, 0.0, 0.06)
    height = (phase - np.round(phase)) * RIB_SPACING
    rib = np.hypot(cage - 5.5, 0.58 * height) - 3.5
    rib = np.maximum(rib, (0.06 - front) * 250)
    gristle = np.clip((front - 0.83) / 0.03, 0, 1)
    hidden = np.abs(x) < 22
    share = shapes.cover(rib) * np.where(hidden & (front > 0.5), 0, 1)
    shapes.paint(canvas, share, CORTEX + gristle * (CARTILAGE - CORTEX))
    inner = shapes.cover(rib + 1.2) * np.where(hidden & (front > 0.5), 0, 1)
    shapes.paint(canvas, inner, MARROW + gristle * (CARTILAGE - 15 - MARROW))


def _scapulae(canvas, cage, angle, z):
    if z < -70:
        return
    span = 0.27 * np.clip((z + 70) / 50, 0.2, 1)
    along = np.abs(angle - 0.66) - span
    plate = np.abs(cage - 20 - 22 * (angle - 0.66) ** 2) - 2.1
    edge = np.maximum(plate, along * 120)
    spine = np.hypot(cage - 26, (angle - 0.60) * 110) - 4.0
    bone = np.minimum(edge, spine) if z > -25 else edge
    shapes.paint(canvas, shapes.cover(bone), CORTEX)
    shapes.paint(canvas, shapes.cover(bone + 1.2), MARROW + 60)


def _sternum(canvas, person, x, y, z):
    if z < -95:
        return
    front = -person.cage.radius[3 * len(person.cage.radius) // 4] * anatomy.cage_scale(z)
    bone = shapes.ellipse(x, y, (0, front - 7.0), (21, 6.2))
    shapes.paint(canvas, shapes.cover(bone), CORTEX * 0.75)
    shapes.paint(canvas, shapes.cover(bone + 1.5), MARROW - 80)


def _spine(canvas, x, y, z, cage, texture):
    position = (z / 23.0) % 1.0
    disc = position < 0.2
    body = shapes.ellipse(x, y, (0, 53), (17.5, 15.0))
    canal = shapes.ellipse(x, y, (0, 76), (10.5, 8.5))
    arch = np.maximum(shapes.ellipse(x, y, (0, 76), (15.5, 13.5)), -canal)
    left = shapes.capsule(np.abs(x), y, 0.0, (11, 78, 0), (33, 86, 0), 6.0, 4.5)
    process = shapes.capsule(x, y, 0.0, (0, 87, 0), (0, 106, 0), 4.0, 3.0)
    rear = np.minimum(arch, process)
    if 0.45 < position < 0.95:
        rear = np.minimum(rear, left)
    around = np.maximum(anatomy.spine_distance(x, y) + 1, cage - 4)
    shapes.paint(canvas, shapes.cover(around), MUSCLE - 5 + 6 * texture)
    shapes.paint(canvas, shapes.cover(rear), CORTEX)
    shapes.paint(canvas, shapes.cover(rear + 1.5), MARROW + 90)
    shapes.paint(canvas, shapes.cover(body), 95.0 if disc else CORTEX * 0.85)
    if not disc:
        shapes.paint(canvas, shapes.cover(body + 1.4), MARROW - 35 + 22 * texture)
    shapes.paint(canvas, shapes.cover(canal), 5.0)
    shapes.paint(canvas, shapes.cover(shapes.ellipse(x, y, (0, 76), (6, 4.5)), 1.2), 38.0)
