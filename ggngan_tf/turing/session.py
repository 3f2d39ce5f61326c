"""In which order a reader meets the cases."""

import numpy as np

from ggngan_tf.turing import design as design_
from ggngan_tf.turing import documents


def order(
    study: documents.Study, reader: int, random: np.random.Generator
) -> list[tuple[str, int]]:
    """Returns case and occasion in the order in which a reader meets them, drawn for the reader."""
    met: list[tuple[str, int]] = []
    batches = design_.batches_of(reader, study.design)
    for number in random.permutation(batches):
        cases = study.batches[number].order
        repeated = [c for c in dict.fromkeys(cases) if cases.count(c) == 2]
        seen: set[str] = set()
        for case in design_.order(list(dict.fromkeys(cases)), repeated, random):
            met.append((case, 2 if case in seen else 1))
            seen.add(case)
    return met
