"""Grows arteries, veins and bronchi that fill each lung, and draws them slice by slice."""

import dataclasses
import math

import numpy as np

from ggngan_tf.data.phantom import anatomy, shapes

LEAVES = {"artery": 1900, "vein": 1300}  # for each lung; each ends one vessel
LEAF_RADIUS = 0.52  # mm
MURRAY = 1 / 2.8  # a parent's radius to this power of the number of leaves that it feeds


@dataclasses.dataclass(frozen=True, eq=False)
class Tree:
    """Tapering segments: `start` and `end` `(n, 3)` mm, `radius` `(n, 2)` mm."""

    start: np.ndarray
    end: np.ndarray
    radius: np.ndarray

    def select(self, chosen: np.ndarray) -> "Tree":
        """Returns the segments that a Boolean array picks."""
        return Tree(self.start[chosen], self.end[chosen], self.radius[chosen])


def grow(person: anatomy.Anatomy, seed: int) -> dict[str, Tree]:
    """Returns the trees `artery`, `vein` and `bronchus` of both lungs."""
    random = np.random.default_rng((seed, 1))
    roots = {
        "artery": (("right pulmonary", -1), ("left pulmonary", -1)),
        "vein": (("right lower vein", 0), ("left lower vein", 0)),
    }
    trees = {}
    for kind, ends in roots.items():
        parts = []
        places = _places(person, random)
        for name, end in ends:
            root = person.tubes[name].points[end]
            same = places[places[:, 0] * root[0] > 0]
            _branch(root, same[random.permutation(len(same))[: LEAVES[kind]]], random, parts)
        trees[kind] = _joined(parts)
    trees["bronchus"] = _beside(trees["artery"])
    return trees


def _places(person, random):
    """Samples places in both lungs evenly, 3 mm or more from their surface."""
    chosen = []
    for z in np.arange(-165, 93, 4):
        x, y = random.uniform(-135, 135, 700), random.uniform(-95, 95, 700)
        inside = anatomy.is_in_lung(person, x, y, float(z), 3.0)
        height = z + random.uniform(-2, 2, inside.sum())
        chosen.append(np.stack([x[inside], y[inside], height], axis=1))
    return np.concatenate(chosen)


def _branch(node, leaves, random, parts):
    """Splits the leaves in two again and again; each half gets a branch toward its middle."""
    if len(leaves) == 1:
        parts.append((node, leaves[0], 1.0, 0.55))
        return
    axis = random.normal(0, 0.2, 3)
    axis[leaves.var(axis=0).argmax()] += 1
    order = np.argsort(leaves @ axis)
    cut = int(len(leaves) * random.uniform(0.3, 0.7)) or 1
    for half in (leaves[order[:cut]], leaves[order[cut:]]):
        if len(half) == 1:
            _branch(node, half, random, parts)
            continue
        way = half.mean(axis=0) - node
        length = np.hypot(np.hypot(*way[:2]), way[2])
        joint = node + random.uniform(0.3, 0.45) * way + random.normal(0, 0.035 * length, 3)
        parts.append((node, joint, len(half) ** MURRAY, (0.93 * len(half)) ** MURRAY))
        _branch(joint, half, random, parts)


def _joined(parts):
    start, end, first, last = (np.array(column) for column in zip(*parts, strict=True))
    return Tree(start, end, LEAF_RADIUS * np.stack([first, last], axis=1))


def _beside(artery):
    """Returns the airways that run along the larger arteries."""
    large = artery.select(artery.radius[:, 1] > 1.25)
    away = np.array([0.3, 0.8, 0.5]) * (1.75 * large.radius[:, :1])
    later = np.array([0.3, 0.8, 0.5]) * (1.75 * large.radius[:, 1:])
    return Tree(large.start + away, large.end + later, 0.85 * large.radius)


def cover(tree: Tree, x, y, z: float, thickness: float, pixel: float, grow_by: float = 0.0):
    """Returns how much of each pixel a tree covers, 0 to 1, `(row, column)`.

    Args:
        tree: Its segments.
        x: mm, one a column.
        y: mm, one a row.
        z: mm, the middle of the slice.
        thickness: mm, of the slice, over which the vessels are averaged.
        pixel: mm.
        grow_by: mm, added to the radii.
    """
    radius = tree.radius.max(axis=1) + grow_by + pixel
    low = np.minimum(tree.start[:, 2], tree.end[:, 2]) - radius
    high = np.maximum(tree.start[:, 2], tree.end[:, 2]) + radius
    near = np.flatnonzero((low < z + thickness / 2) & (high > z - thickness / 2))
    levels = (z + thickness * np.array([-1, 0, 1]) / 3)[:, None, None]
    result = np.zeros((len(y), len(x)), np.float32)
    for i in near:
        start, end = _clipped(tree.start[i], tree.end[i], z, thickness / 2 + radius[i])
        rows = _span(y, start[1], end[1], radius[i])
        columns = _span(x, start[0], end[0], radius[i])
        if result[rows, columns].size == 0:
            continue
        distance = shapes.capsule(
            x[columns], y[rows, None], levels, tree.start[i], tree.end[i], *tree.radius[i] + grow_by
        )
        share = np.clip(0.5 - distance / pixel, 0, 1).mean(axis=0)
        np.maximum(result[rows, columns], share, out=result[rows, columns])
    return result


def _clipped(start, end, z, reach):
    rise = end[2] - start[2]
    if abs(rise) < 1e-6:
        return start, end
    first, last = (min(max((z + side - start[2]) / rise, 0), 1) for side in (-reach, reach))
    return start + first * (end - start), start + last * (end - start)


def _span(axis, first, last, radius):
    low, high = min(first, last) - radius, max(first, last) + radius
    step = axis[1] - axis[0]
    return slice(max(math.ceil((low - axis[0]) / step), 0), int((high - axis[0]) // step) + 1)
