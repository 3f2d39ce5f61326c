"""Readers made of random numbers, of known skill: to try a study without people, and to plan one.

How real a case looks to a reader is a sum of random effects: the case, the reader's eye for this
case, and what differs each time; readers differ in how well they tell the classes apart.

Source: Roe and Metz, Academic Radiology 1997; 4: 298-303, for one modality.
"""

import dataclasses

import numpy as np
import pandas as pd
from scipy import stats

from ggngan_tf import errors
from ggngan_tf.turing import documents, readings, session


@dataclasses.dataclass(frozen=True, kw_only=True)
class Skill:
    """What readers are like; the variances add up to 1.

    Attributes:
        auc: Area that they reach on average, 0.5 to 0.999.
        reader_sd: Standard deviation of the separation between readers, in standard deviations
            of one look (0.3 moves an area of 0.7 by 0.07).
        case: Variance that all readers share: some cases look real to everybody.
        reader_case: Variance of one reader on one case, the same on a repeat.
        bias: Shift of the scale; above 0 they call more cases fake.
        seconds: Median time for a case.
    """

    auc: float = 0.7
    reader_sd: float = 0.3  # ours; between the "low" and "high" of Roe and Metz
    case: float = 0.6  # Roe and Metz, high correlation: 0.3 of the case and 0.3 of its modality
    reader_case: float = 0.2  # the same; 0.2 are left for each look
    bias: float = 0.0
    seconds: float = 12.0  # ours

    def __post_init__(self):
        if not 0.5 <= self.auc <= 0.999:
            raise errors.ReadingError(f"AUC is {self.auc}; simulated readers need 0.5 to 0.999.")
        if min(self.case, self.reader_case) < 0 or self.case + self.reader_case > 1:
            raise errors.ReadingError(
                f"variances {self.case} and {self.reader_case} leave {1 - self.case:.2f} or less "
                "for a look; make them add up to 1 at most."
            )
        if self.reader_sd < 0 or self.seconds <= 0:
            raise errors.ReadingError("reader_sd must be 0 or more, and seconds above 0.")

    @property
    def separation(self) -> float:
        """Distance of the classes' means, in standard deviations of one look."""
        return float(np.sqrt(2) * stats.norm.ppf(self.auc))


def rate(
    truth: np.ndarray,
    readers: int,
    skill: Skill,
    random: np.random.Generator,
    *,
    occasions: int = 1,
) -> np.ndarray:
    """Returns ratings 1 to 4 of a fully crossed reading, int `(occasion, reader, case)`.

    Args:
        truth: bool `(case,)`, True for real.
        readers: How many.
        skill: What they are like.
        random: Source of all draws.
        occasions: How often each reads each case.
    """
    truth = np.asarray(truth, bool)
    separation = skill.separation + skill.reader_sd * random.normal(size=(readers, 1))
    error = 1 - skill.case - skill.reader_case
    looks = (
        np.where(truth, separation / 2, -separation / 2)
        + np.sqrt(skill.case) * random.normal(size=truth.size)
        + np.sqrt(skill.reader_case) * random.normal(size=(readers, truth.size))
        + np.sqrt(error) * random.normal(size=(occasions, readers, truth.size))
    )
    return np.digitize(looks - skill.bias, [-0.7, 0.0, 0.7]) + 1


def read_study(
    study: documents.Study, key: documents.Key, skill: Skill, *, seed: int = 0
) -> pd.DataFrame:
    """Returns the readings of a whole study by simulated readers, as `readings.read` would."""
    random = np.random.default_rng(seed)
    cases = [slot.case for slot in study.cases]
    truth = np.array([key.cases[case].truth == "real" for case in cases])
    ratings = rate(truth, study.design.readers, skill, random, occasions=2)
    rows = []
    for reader in range(study.design.readers):
        order = session.order(study, reader, random)
        for position, (case, occasion) in enumerate(order, start=1):
            seconds = skill.seconds * np.exp(random.normal(0, 0.4)) * (1 + np.exp(-position / 10))
            rating = int(ratings[occasion - 1, reader, cases.index(case)])
            rows.append(
                [f"reader-{reader + 1}", case, occasion, position, rating, round(seconds, 1), ""]
            )
    return pd.DataFrame(rows, columns=readings.COLUMNS)
