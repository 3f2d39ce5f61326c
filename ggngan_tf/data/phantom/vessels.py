"""Grows arteries, veins and bronchi that fill each lung, and draws them slice by slice."""

import dataclasses

import numpy as np

from ggngan_tf.data.phantom import anatomy

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
    result = np.zeros((len(y), len(x)), np.float32)
    reach = tree.radius.max(axis=1) + grow_by + pixel
    start, end = _within(tree, z, thickness / 2 + reach)
    low = np.minimum(start, end)[:, 1::-1] - reach[:, None]
    high = np.maximum(start, end)[:, 1::-1] + reach[:, None]
    corner = np.array([y[0], x[0]])
    first = np.floor((low - corner) / pixel).astype(int)
    last = np.ceil((high - corner) / pixel).astype(int)
    near = (end[:, 2] != start[:, 2]) | (np.abs(start[:, 2] - z) < thickness / 2 + reach)
    near &= np.all((last >= 0) & (first < result.shape), axis=1)
    # Windows of a few sizes, so that each size is one array operation.
    size = 2 ** np.ceil(np.log2(np.maximum((last - first).max(axis=1) + 1, 8))).astype(int)
    size = np.minimum(size, min(result.shape))
    levels = z + thickness * np.array([-1, 0, 1], np.float32) / 3
    for side in np.unique(size[near]):
        group = np.flatnonzero(near & (size == side))
        for part in np.array_split(group, -(-len(group) * side**2 // 400_000)):
            rows, columns = (
                np.clip(first[part, axis], 0, result.shape[axis] - side)[:, None] + np.arange(side)
                for axis in (0, 1)
            )
            distance = _distance(tree, part, x[columns], y[rows], levels) - grow_by
            share = np.clip(0.5 - distance / pixel, 0, 1).mean(axis=1)
            np.maximum.at(result, (rows[:, :, None], columns[:, None, :]), share)
    return result


def _within(tree, z, reach):
    """Cuts the segments to what lies within `reach` of z; those that miss it become points."""
    rise = tree.end[:, 2] - tree.start[:, 2]
    rise = np.where(np.abs(rise) < 1e-6, 1e-6, rise)
    shares = np.clip((z + np.array([[-1], [1]]) * reach - tree.start[:, 2]) / rise, 0, 1)
    way = tree.end - tree.start
    return tuple(tree.start + share[:, None] * way for share in shares)


def _distance(tree, part, x, y, levels):
    """Returns the distance to each segment in its window, `(segment, level, row, column)`."""
    start, radius = (a[part].astype(np.float32) for a in (tree.start, tree.radius))
    way = (tree.end - tree.start)[part].astype(np.float32)
    ux, uy, uz = (way[:, i, None, None, None] for i in range(3))
    dx = (x - start[:, :1])[:, None, None, :]
    dy = (y - start[:, 1:2])[:, None, :, None]
    dz = (levels - start[:, 2:])[:, :, None, None]
    squares = np.maximum((way**2).sum(axis=1), 1e-9)[:, None, None, None]
    share = np.clip((dx * ux + dy * uy + dz * uz) / squares, 0, 1)
    away = (dx - share * ux) ** 2 + (dy - share * uy) ** 2 + (dz - share * uz) ** 2
    first, last = (radius[:, i, None, None, None] for i in (0, 1))
    return np.sqrt(away) - (first + share * (last - first))
