"""What a study asks of whom: its settings, and how cases are dealt to batches and readers."""

from typing import Literal

import numpy as np
import pydantic

CLASSES = ("confidently fake", "leaning fake", "leaning real", "confidently real")


class Design(pydantic.BaseModel):
    """Settings of a study; the defaults are the paper's (Methods, "Evaluation").

    Attributes:
        real: Real cases (the paper: 50 in Methods).
        synthetic: Synthetic cases (50 in Methods; its Results count 51).
        batches: Parts of equal size, one DICOM series each (4 of 25 slices).
        layout: `split`, each reader reads one batch, as in the paper; `crossed`, each reads all.
        readers: How many people read.
        repeats: Cases of each batch that come a second time, for intra-reader agreement.
        training: Cases of each class to start with, with feedback, not scored.
        stratify: Give both classes and all batches one distribution of nodule sizes.
        marker: Show where to look.
        location: Let readers click on what gave it away.
        comments: Let readers write a remark.
        revise: Let readers go back and change an answer; all versions are kept.
        centre: Of the window that an image opens with, HU.
        width: Of that window, HU.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    real: pydantic.PositiveInt = 50
    synthetic: pydantic.PositiveInt = 50
    batches: pydantic.PositiveInt = 4
    layout: Literal["split", "crossed"] = "split"
    readers: pydantic.PositiveInt = 4
    repeats: pydantic.NonNegativeInt = 0
    training: pydantic.NonNegativeInt = 0
    stratify: bool = False
    marker: bool = False
    location: bool = True
    comments: bool = True
    revise: bool = True
    centre: float = -600  # HU; ours, the usual lung window: the paper says "standard lung window"
    width: pydantic.PositiveFloat = 1500

    @pydantic.model_validator(mode="after")
    def _fits(self):
        if self.real + self.synthetic < self.batches:
            raise ValueError(
                f"{self.real + self.synthetic} cases do not fill {self.batches} batches; "
                "ask for more cases or fewer batches."
            )
        smallest = (self.real + self.synthetic) // self.batches
        if self.repeats > smallest:
            raise ValueError(
                f"repeats is {self.repeats}, a batch has {smallest} cases; repeat at most these."
            )
        if self.layout == "split" and self.readers < self.batches:
            raise ValueError(
                f"{self.readers} readers leave some of {self.batches} batches unread; "
                "take as many readers or more, or the crossed layout."
            )
        return self


def deal(strata: np.ndarray, batches: int, random: np.random.Generator) -> np.ndarray:
    """Returns each case's batch, int `(case,)`, 0 onwards; sizes differ by one at most.

    Cases of one stratum go round the batches, so that each batch has its share; with one stratum
    the batches are drawn at random, as the paper's.
    """
    order = random.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    batch = np.empty(len(strata), int)
    for start in range(0, len(order), batches):
        part = order[start : start + batches]
        batch[part] = random.permutation(batches)[: len(part)]
    return batch


def order(cases: list[str], repeated: list[str], random: np.random.Generator) -> list[str]:
    """Returns the cases of a batch in a random order, those of `repeated` twice.

    A case that is repeated comes in the first half and again among the others of the second, in
    the order of the first readings, so that many cases lie between the two.
    """
    others = _shuffled([c for c in cases if c not in repeated], random)
    half = max(len(cases) // 2, len(repeated)) - len(repeated)
    first = _shuffled(repeated + others[:half], random)
    later = iter(others[half:])
    again = iter([c for c in first if c in repeated])
    total = len(others) - half + len(repeated)
    places = set(random.permutation(total)[: len(repeated)].tolist())
    return first + [next(again if i in places else later) for i in range(total)]


def batches_of(reader: int, design: Design) -> list[int]:
    """Returns the batches that a reader (0 onwards) reads."""
    return [reader % design.batches] if design.layout == "split" else list(range(design.batches))


def size_strata(diameters: np.ndarray, strata: int = 3) -> np.ndarray:
    """Returns each case's size class, 0 onwards, by quantiles of all diameters (mm)."""
    edges = np.quantile(diameters, np.linspace(0, 1, strata + 1)[1:-1])
    return np.digitize(diameters, edges)


def _shuffled(items, random):
    return [items[i] for i in random.permutation(len(items))]
