"""Draws the cases of a study: no patient in both classes, as many patients as there are."""

import collections

import numpy as np

from ggngan_tf import errors
from ggngan_tf.turing import design, sources


def draw(
    real: list[sources.Case],
    synthetic: list[sources.Case],
    wanted: tuple[int, int],
    random: np.random.Generator,
    *,
    stratify: bool = False,
) -> tuple[list[sources.Case], list[sources.Case]]:
    """Returns so many real and so many synthetic cases, in random order.

    A synthetic nodule often lies in a real patient's lung. A reader who meets the same surroundings
    twice knows that one of the two is fake, so no patient is drawn for both classes. Within a class
    each patient gives one case before any gives a second.

    Args:
        real: To draw from.
        synthetic: To draw from.
        wanted: Real, synthetic.
        random: Source of all draws.
        stratify: Draw both classes with one distribution of diameters.

    Raises:
        ReadingError: There are not enough cases of separate patients, or not enough of a size.
    """
    chosen_real, chosen_synthetic = _separate(real, synthetic, wanted, random)
    if not stratify:
        return _take(chosen_real, wanted[0], random), _take(chosen_synthetic, wanted[1], random)
    return _matched(chosen_real, chosen_synthetic, wanted, random)


def strata(cases: list[sources.Case]) -> np.ndarray:
    """Returns each case's size class, int `(case,)`.

    Raises:
        ReadingError: Some diameter is unknown.
    """
    diameters = np.array([case.diameter_mm for case in cases])
    if not np.isfinite(diameters).all():
        raise errors.ReadingError(
            f"{int(np.sum(~np.isfinite(diameters)))} cases have no diameter to stratify by; "
            "add the column diameter_mm to their table of sites, or leave --stratify out."
        )
    return design.size_strata(diameters)


def _separate(real, synthetic, wanted, random):
    """Gives each patient whom both classes have to the class that is further from its number."""
    pools = [collections.defaultdict(list), collections.defaultdict(list)]
    for pool, cases in zip(pools, (real, synthetic), strict=True):
        for case in cases:
            pool[case.patient].append(case)
    both = sorted(set(pools[0]) & set(pools[1]))
    for index in random.permutation(len(both)):
        patient = both[index]
        short = [_shortage(pool, n) for pool, n in zip(pools, wanted, strict=True)]
        loser = 1 if short[0] >= short[1] else 0
        if len(pools[1 - loser]) > len(pools[loser]) and short[0] == short[1]:
            loser = 1 - loser
        del pools[loser][patient]
    names = ("real", "synthetic")
    for name, pool, cases, n in zip(names, pools, (real, synthetic), wanted, strict=True):
        _check(name, sum(map(len, pool.values())), len(cases), n)
    return pools


def _shortage(pool, wanted):
    return 1 - len(pool) / wanted


def _check(name, found, before, wanted):
    if found < wanted:
        raise errors.ReadingError(
            f"{name}: {found} of {before} cases are of patients whom the other class does not need,"
            f" needed are {wanted}; ask for fewer cases (--real, --synthetic) or give a larger set."
        )


def _take(pool, wanted, random):
    """Returns one case of each patient, then a second of each, until there are enough."""
    rounds = []
    for patient in sorted(pool):
        for turn, index in enumerate(random.permutation(len(pool[patient]))):
            rounds.append((turn, random.random(), pool[patient][index]))
    rounds.sort(key=lambda item: item[:2])
    return [case for _, _, case in rounds[:wanted]]


def _matched(real, synthetic, wanted, random):
    """Takes from each size class the share that the scarcer class can give."""
    pools = [_take(pool, sum(map(len, pool.values())), random) for pool in (real, synthetic)]
    size = strata(pools[0] + pools[1])
    sizes = [size[: len(pools[0])], size[len(pools[0]) :]]
    classes = np.unique(size)
    share = np.min([[np.mean(s == k) for k in classes] for s in sizes], axis=0)
    share = share / share.sum()
    return tuple(
        _by_share(pool, s, classes, share, n)
        for pool, s, n in zip(pools, sizes, wanted, strict=True)
    )


def _by_share(pool, size, classes, share, wanted):
    quota = np.floor(share * wanted).astype(int)
    for k in np.argsort(quota - share * wanted)[: wanted - quota.sum()]:
        quota[k] += 1
    chosen = []
    for k, n in zip(classes, quota, strict=True):
        members = [case for case, s in zip(pool, size, strict=True) if s == k]
        if len(members) < n:
            raise errors.ReadingError(
                f"size class {k + 1} has {len(members)} cases of one class, needed are {n}; "
                "ask for fewer cases, or leave --stratify out."
            )
        chosen += members[:n]
    return chosen
