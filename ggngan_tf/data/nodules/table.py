"""Sets of nodules in memory, one row a nodule."""

import dataclasses
import hashlib
from typing import Any, Literal

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data.nodules import schema

Rule = Literal["strict", "mean", "any", "none"]
Part = Literal["train", "validation", "test"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class NoduleSet:
    """One row a nodule, N rows; arrays are in memory.

    Attributes:
        image: int16 `(N, row, column)`, HU.
        mask: uint8 `(N, row, column)`, the nodule's pixels.
        lung: uint8 `(N, row, column)`, the lung region; None stands for all ones.
        roi_centre: int32 `(N, 2)`, row and column of the nodule's bounding-box centre in `image`.
        slice_origin: int32 `(N, 2)`, row and column of `image[0, 0]` in the full slice, or None.
        pixel_spacing: float32 `(N, 2)`, mm, row and column.
        texture: int8 `(N, readers)`, ratings 1 to 5, 0 where none was given.
        malignancy: int8 `(N, readers)`, likewise.
        subtlety: int8 `(N, readers)`, likewise.
        patient_id: str `(N,)`; this and the next three are empty where unknown.
        series_uid: str `(N,)`.
        sop_uid: str `(N,)`.
        manufacturer: str `(N,)`.
        nodule_id: int32 `(N,)`.
        attributes: What the file says of itself: `licence`, `note`; for synthetic sets
            `synthetic`, `generator_sha256`, `config` and `seed`.
    """

    image: np.ndarray
    mask: np.ndarray
    lung: np.ndarray | None = None
    roi_centre: np.ndarray
    slice_origin: np.ndarray | None = None
    pixel_spacing: np.ndarray
    texture: np.ndarray
    malignancy: np.ndarray
    subtlety: np.ndarray
    patient_id: np.ndarray
    series_uid: np.ndarray
    sop_uid: np.ndarray
    manufacturer: np.ndarray
    nodule_id: np.ndarray
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        schema.check(self)

    def __len__(self) -> int:
        return len(self.image)

    @property
    def synthetic(self) -> bool:
        """Whether a generator painted these nodules."""
        return bool(self.attributes.get("synthetic", False))

    def take(self, rows: np.ndarray) -> "NoduleSet":
        """Returns the rows that an index or a Boolean array picks, in its order."""
        columns = {name: getattr(self, name) for name in (*schema.NUMBERS, *schema.STRINGS)}
        picked = {name: None if v is None else v[rows] for name, v in columns.items()}
        return dataclasses.replace(self, **picked)

    def select(self, rule: Rule) -> "NoduleSet":
        """Returns the ground glass nodules by `rule` (see `ground_glass`).

        Raises:
            NoduleSetError: No nodule fulfils the rule.
        """
        chosen = self.take(ground_glass(self.texture, rule))
        if not len(chosen):
            raise errors.NoduleSetError(
                f"none of {len(self)} nodules is ground glass by rule {rule!r}; "
                "take a wider rule (any, none) or another set."
            )
        return chosen

    def split(
        self, seed: int, fractions: tuple[float, float, float] = (0.7, 0.1, 0.2)
    ) -> dict[Part, "NoduleSet"]:
        """Returns `train`, `validation` and `test`, no patient in two of them.

        A patient's part depends on `seed` and its own name only, so that it stays where it is when
        the set grows. Parts may be empty.

        Raises:
            NoduleSetError: A row names neither patient nor series.
        """
        positions = np.array([_position(seed, name) for name in self.patients()])
        first, second = fractions[0], fractions[0] + fractions[1]
        parts = np.digitize(positions, [first, second])
        return {
            name: self.take(parts == i) for i, name in enumerate(("train", "validation", "test"))
        }

    def patients(self) -> np.ndarray:
        """Returns each row's patient, or its series where the patient is unknown, str `(N,)`.

        Raises:
            NoduleSetError: A row names neither.
        """
        names = np.where(self.patient_id == "", self.series_uid, self.patient_id)
        if np.any(names == ""):
            row = int(np.argmax(names == ""))
            raise errors.NoduleSetError(
                f"row {row}: patient_id and series_uid are both empty; "
                "fill in one, so that no patient lands in two parts of a split."
            )
        return names


def ground_glass(texture: np.ndarray, rule: Rule) -> np.ndarray:
    """Returns which nodules are ground glass, bool `(N,)`.

    Args:
        texture: int `(N, readers)`, ratings 1 (ground glass) to 5 (solid), 0 for none.
        rule: `strict`, 2 readers or more rated 1 or 2 (the paper's words); `mean`, the mean
            rating is 2 or less; `any`, 1 reader or more rated 1 or 2; `none`, every nodule.
    """
    texture = np.asarray(texture)
    low = ((texture == 1) | (texture == 2)).sum(axis=1)
    if rule == "mean":
        rated = (texture > 0).sum(axis=1)
        return (rated > 0) & (texture.sum(axis=1) <= 2 * rated)
    return low >= {"strict": 2, "any": 1, "none": 0}[rule]


def _position(seed, name):
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
