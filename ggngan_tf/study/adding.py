"""Makes the GGNs that an arm adds: painted by a generator, or copied from real ones."""

import dataclasses
from typing import Any

import numpy as np
from scipy import ndimage

from ggngan_tf.data import nodules as nodules_
from ggngan_tf.study import finish, hosts
from ggngan_tf.study import settings as settings_
from ggngan_tf.synthesis import repaint, saved

_BATCH = 16  # nodules painted at a time
_FEATHER = 1.5  # pixels; ours, over which a copied nodule passes into its new surroundings
_RING = 3  # pixels around a nodule whose median is taken as its background


def painted(
    subset: nodules_.NoduleSet,
    labels: np.ndarray,
    model: saved.Model,
    how: settings_.Synthesis,
    count: int,
    seed: int,
) -> nodules_.NoduleSet:
    """Returns `count` GGNs painted into the subset's own images, one a row, in random order.

    Args:
        subset: All nodules of the subset's patients, patches.
        labels: bool `(N,)`, which are ground glass.
        model: The generator that learnt from these GGNs.
        how: `own`: each GGN erased and painted anew; `others`: in the place of other nodules;
            `both`: as many of one as of the other.
        count: How many.
        seed: Same seed, same nodules.

    Raises:
        SiteError: Too few places are found.
    """
    random = np.random.default_rng([seed, 1])
    there = {"own": 0, "others": count, "both": count // 2}[how.hosts]
    places = hosts.own(labels, count - there, random)
    places += hosts.others(subset, labels, there, random, how.tries)
    places = [places[i] for i in random.permutation(count)]
    start = subset.take(np.array([place.host for place in places], int))
    masks = [place.mask if place.mask.size else subset.mask[place.host] for place in places]
    seeds = repaint.row_seeds(seed, count)
    images = [
        model.paint(
            start.image[i : i + _BATCH],
            np.stack(masks[i : i + _BATCH]),
            None if start.lung is None else start.lung[i : i + _BATCH],
            seeds[i : i + _BATCH],
        )[0]
        for i in range(0, count, _BATCH)
    ]
    if how.feather or how.noise:
        rows = zip(np.concatenate(images), start.image, masks, strict=True)
        images = [[finish.finish(*row, how.feather, how.noise, random) for row in rows]]
    return _made(start, subset, places, images, masks, repaint.provenance(model, seed))


def copied(
    subset: nodules_.NoduleSet, labels: np.ndarray, tries: int, count: int, seed: int
) -> nodules_.NoduleSet:
    """Returns `count` real GGNs of the subset put into the place of other nodules.

    A donor is turned by right angles, moved to its new background's density and blended over some
    pixels: what anyone can do without a generator.

    Raises:
        SiteError: Too few places are found.
    """
    random = np.random.default_rng([seed, 2])
    places = hosts.others(subset, labels, count, random, tries, copied=True)
    start = subset.take(np.array([place.host for place in places], int))
    images = [_blend(subset, place) for place in places]
    masks = [place.mask for place in places]
    note = {"synthetic": True, "seed": seed, "note": "real nodules copied into other places"}
    return _made(start, subset, places, [np.stack(images)] if images else [], masks, note)


def _made(start, subset, places, images, masks, attributes: dict[str, Any]):
    donors = np.array([place.donor for place in places], int)
    if not len(places):
        return start
    return dataclasses.replace(
        start,
        image=np.concatenate(images),
        mask=np.stack(masks).astype(np.uint8),
        texture=subset.texture[donors],
        malignancy=np.zeros_like(subset.malignancy[donors]),
        subtlety=np.zeros_like(subset.subtlety[donors]),
        attributes=start.attributes | attributes,
    )


def _blend(subset, place):
    image, host = subset.image[place.host], place.mask > 0
    donor = hosts.oriented(subset.image[place.donor], place.way).astype(np.float32)
    donor_mask = hosts.oriented(subset.mask[place.donor], place.way) > 0
    # Both masks are one shape, so their first pixels say how far the donor has to move.
    move = _first(host) - _first(donor_mask)
    moved, moved_mask = _shift(donor, move), _shift(donor_mask, move) > 0
    level = np.median(image[_ring(host)]) - np.median(moved[_ring(moved_mask)])
    share = ndimage.gaussian_filter(ndimage.binary_dilation(host, iterations=2) * 1.0, _FEATHER)
    mixed = share * (moved + level) + (1 - share) * image
    return np.clip(np.rint(mixed), -1024, 3071).astype(np.int16)


def _first(mask):
    return np.array([np.flatnonzero(mask.any(axis=1))[0], np.flatnonzero(mask.any(axis=0))[0]])


def _shift(image, move):
    return ndimage.shift(image.astype(np.float32), move, order=0, mode="nearest")


def _ring(mask):
    inner = ndimage.binary_dilation(mask, iterations=2)
    return ndimage.binary_dilation(inner, iterations=_RING) & ~inner
