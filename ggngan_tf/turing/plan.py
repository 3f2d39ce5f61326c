"""How many readers and cases a study needs, by simulating studies."""

import dataclasses
import math
from typing import Any, Literal

import numpy as np

from ggngan_tf import errors
from ggngan_tf.turing import mrmc, simulate

MOST_CASES = 400  # of each class


@dataclasses.dataclass(frozen=True, kw_only=True)
class Goal:
    """What a study shall reach; one of the two is set.

    Attributes:
        width: Of the 95% interval of the readers' mean AUC, on average.
        power: Chance that this interval leaves out `against`.
        against: The AUC that the study shall tell from the true one.
    """

    width: float | None = None
    power: float | None = None
    against: float = 0.5

    def __post_init__(self):
        if (self.width is None) == (self.power is None):
            raise errors.ReadingError("a plan needs a width or a power, one of the two.")
        if self.width is not None and not 0 < self.width < 1:
            raise errors.ReadingError(f"width is {self.width}, needed is 0 to 1.")
        if self.power is not None and not 0 < self.power < 1:
            raise errors.ReadingError(f"power is {self.power}, needed is 0 to 1.")

    def reached(self, found: dict[str, float]) -> bool:
        """Tells whether a design (see `operate`) reaches the goal."""
        if self.width is not None:
            return found["width"] <= self.width
        return found["power"] >= self.power


def plan(
    goal: Goal,
    readers: list[int],
    skill: simulate.Skill,
    *,
    layout: Literal["split", "crossed"] = "crossed",
    rounds: int = 200,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Returns the fewest cases of each class for each number of readers.

    A row has `readers`, `cases` (of each class; None where `MOST_CASES` do not suffice),
    `readings` (cases that each reader reads), and what the design reaches.

    Args:
        goal: What to reach.
        readers: Numbers of readers to try, two or more each.
        skill: What they are expected to be like.
        layout: `split` deals the cases to the readers, `crossed` gives all to each.
        rounds: Simulated studies for each design tried.
        seed: Same seed, same plan.

    Raises:
        ReadingError: A number of readers is below two.
    """
    return [_fewest(goal, n, skill, layout, rounds, seed) for n in readers]


def operate(
    cases: int,
    readers: int,
    skill: simulate.Skill,
    *,
    layout: Literal["split", "crossed"] = "crossed",
    against: float = 0.5,
    rounds: int = 200,
    seed: int = 0,
) -> dict[str, float]:
    """Returns what a design gives: mean interval `width`, its `power` and its `coverage`.

    Args:
        cases: Of each class.
        readers: Two or more.
        skill: What they are like.
        layout: See `plan`.
        against: See `Goal`.
        rounds: Simulated studies.
        seed: Same seed, same result.

    Raises:
        ReadingError: There are fewer than two readers, or than two cases of a class for each.
    """
    if readers < 2:
        raise errors.ReadingError(f"found {readers} reader; a plan for other readers needs two.")
    random = np.random.default_rng(seed)
    truth = np.arange(2 * cases) % 2 == 0
    true = expected_area(skill)
    found = [_study(truth, readers, skill, layout, random) for _ in range(rounds)]
    return {
        "width": float(np.mean([e.high - e.low for e in found])),
        "power": float(np.mean([not e.low <= against <= e.high for e in found])),
        "coverage": float(np.mean([e.low <= true <= e.high for e in found])),
        "auc": float(np.mean([e.value for e in found])),
    }


def expected_area(skill: simulate.Skill) -> float:
    """Returns the mean AUC of such readers on the four-class scale, by simulating many."""
    random = np.random.default_rng(0)
    truth = np.arange(4000) % 2 == 0
    ratings = simulate.rate(truth, 200, skill, random)[0]
    real = np.stack([(ratings[:, truth] == k).mean(axis=1) for k in range(1, 5)])
    fake = np.stack([(ratings[:, ~truth] == k).mean(axis=1) for k in range(1, 5)])
    below = np.cumsum(fake, axis=0) - fake
    return float(np.mean((real * (below + fake / 2)).sum(axis=0)))


def _study(truth, readers, skill, layout, random):
    ratings = simulate.rate(truth, readers, skill, random)[0].astype(float)
    if layout == "split":
        # Cases alternate between the classes: deal them out in pairs, to keep both with everyone.
        owner = (np.arange(truth.size) // 2) % readers
        ratings[owner[None, :] != np.arange(readers)[:, None]] = math.nan
    return mrmc.one_modality(ratings, truth)


def _fewest(goal, readers, skill, layout, rounds, seed):
    share = readers if layout == "split" else 1

    def reach(cases):
        found = operate(
            cases, readers, skill, layout=layout, against=goal.against, rounds=rounds, seed=seed
        )
        return found, goal.reached(found)

    low, high = 0, max(8, 2 * share)
    found, enough = reach(high)
    while not enough and high < MOST_CASES:
        low, high = high, min(2 * high, MOST_CASES)
        found, enough = reach(high)
    low = max(low, 2 * share - 1)
    while enough and high - low > max(1, high // 20):
        middle = (low + high) // 2
        tried, reached = reach(middle)
        low, high, found = (low, middle, tried) if reached else (middle, high, found)
    row = {"readers": readers, "cases": high if enough else None}
    return row | {"readings": math.ceil(2 * high / share)} | found
