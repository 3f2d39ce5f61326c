"""Where added GGNs go: in the place of other nodules, in the lungs of the subset's own patients.

A nodule that is not ground glass gives its place; a shape of the subset's own GGNs covers it
whole, so that nothing of it is left. Its surroundings then stand under both labels, and cannot
tell a classifier anything.
"""

import dataclasses

import numpy as np
from scipy import ndimage

from ggngan_tf import errors
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.synthesis import shapes

_AERATED = -650.0  # HU; ours: what a shape adds around a nodule must be lung, not chest wall
_LARGEST = 40  # pixels across; ours: a shape stays well inside a 64 x 64 patch


@dataclasses.dataclass(frozen=True)
class Place:
    """A nodule to be put into a row of the subset.

    Attributes:
        host: The row whose image it goes into.
        mask: uint8 `(row, column)`, its pixels there.
        donor: The row of the GGN whose ratings it takes, and whose pixels if they are copied.
        way: 0 to 7, how the donor is turned and flipped; see `oriented`.
    """

    host: int
    mask: np.ndarray
    donor: int
    way: int = 0


def own(labels: np.ndarray, count: int, random: np.random.Generator) -> list[Place]:
    """Returns places of GGNs in their own stead, each row once before any comes again.

    Only `host` and `donor` are set; the mask is the row's own.
    """
    rows = _cycle(np.flatnonzero(labels), count, random)
    return [Place(int(row), np.zeros(0, np.uint8), int(row)) for row in rows]


def others(
    subset: nodules_.NoduleSet,
    labels: np.ndarray,
    count: int,
    random: np.random.Generator,
    tries: int,
    copied: bool = False,
) -> list[Place]:
    """Returns places in the stead of nodules that are not ground glass.

    Args:
        subset: All nodules of the subset's patients.
        labels: bool `(N,)`, which are ground glass.
        count: How many places.
        random: Where all chance comes from.
        tries: Shapes drawn before the next host is looked at.
        copied: The shape is a donor's own, turned by right angles, so that its pixels fit; else
            it is drawn (`synthesis.shapes`) from the outlines of all the subset's GGNs.

    Raises:
        SiteError: No nodule of the subset can be covered.
    """
    if count <= 0:
        return []
    donors, hosts = np.flatnonzero(labels), np.flatnonzero(~labels)
    if not len(hosts):
        raise errors.SiteError("no nodule but GGNs, so that none can give its place; hosts=own.")
    templates = shapes.templates(subset.take(donors))
    found: list[Place] = []
    missed = 0
    for host in _cycle(hosts, 50 * count + len(hosts), random):
        place = _cover(subset, int(host), donors, templates, random, tries, copied)
        missed = 0 if place else missed + 1
        found += [place] if place else []
        if len(found) == count:
            return found
        if missed > 3 * len(hosts):
            break
    raise errors.SiteError(
        f"places for {len(found)} of {count} nodules were found in {len(hosts)} others; "
        "set synthesis.tries higher, synthesis.ratios lower or synthesis.hosts=own."
    )


def oriented(image: np.ndarray, way: int) -> np.ndarray:
    """Returns `(row, column)` turned by `way % 4` right angles, and flipped from 4 on."""
    turned = np.rot90(image, way % 4)
    return turned[:, ::-1] if way >= 4 else turned


def _cover(subset, host, donors, templates, random, tries, copied):
    nodule, spacing = subset.mask[host] > 0, tuple(subset.pixel_spacing[host])
    centre = subset.roi_centre[host]
    for _ in range(tries):
        donor, way = int(random.choice(donors)), int(random.integers(8))
        if copied:
            shape = _centred(oriented(subset.mask[donor], way))
        else:
            shape = shapes.draw(None, spacing, random, templates=templates)
        mask = _placed(shape, centre, nodule.shape)
        if mask is not None and _suits(mask, nodule, subset.image[host]):
            return Place(host, mask, donor, way)
    return None


def _suits(mask, nodule, image):
    if max(mask.any(axis=1).sum(), mask.any(axis=0).sum()) > _LARGEST:
        return False
    if np.any(nodule & (mask == 0)):
        return False
    added = ndimage.binary_dilation(mask, iterations=2)
    added &= ~ndimage.binary_dilation(nodule, iterations=2)  # whose edge is blurred
    return bool(added.any()) and float(image[added].mean()) < _AERATED


def _centred(mask):
    """Returns a mask cut to an odd-sized box around the centre of its bounding box."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.pad(cut, [(0, 1 - side % 2) for side in cut.shape])


def _placed(shape, centre, size):
    first = centre - np.array(shape.shape) // 2
    last = first + shape.shape
    if np.any(first < 2) or np.any(last > np.array(size) - 2):
        return None
    placed = np.zeros(size, np.uint8)
    placed[first[0] : last[0], first[1] : last[1]] = shape > 0
    return placed


def _cycle(rows, count, random):
    order = [random.permutation(rows) for _ in range(-(-count // max(len(rows), 1)))]
    return np.concatenate(order)[:count] if order else np.zeros(0, int)
