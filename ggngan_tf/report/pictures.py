"""Galleries of a comparison: real and synthetic nodules, zoomed, and the closest pairs."""

import numpy as np

from ggngan_tf import config
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import patches
from ggngan_tf.report import blocks

SHOWN = 24  # nodules of a kind


def sections(
    results: dict,
    real: nodules_.NoduleSet | None,
    synthetic: nodules_.NoduleSet | None,
    training: nodules_.NoduleSet | None,
) -> list[blocks.Section]:
    """Returns the galleries for which there are pictures; a remark where there are none.

    Args:
        results: Of the assessment; its closest pairs are shown.
        real: N nodules, or None.
        synthetic: Likewise.
        training: Likewise.
    """
    if real is None or synthetic is None:
        text = "No pictures: the sets were not given, or have moved or changed since."
        return [blocks.Section("Pictures", [blocks.Text(text, "note")])]
    shown = [*gallery(real, "Real"), *gallery(synthetic, "Synthetic")]
    found = [blocks.Section("Pictures", shown)]
    if training is not None and "memorisation" in results:
        found.append(
            blocks.Section(
                "Nearest training nodules", _closest(results["memorisation"], synthetic, training)
            )
        )
    return found


def gallery(nodules: nodules_.NoduleSet, name: str, shown: int = SHOWN) -> list[blocks.Gallery]:
    """Returns nodules in their surroundings, and the same zoomed to the 32 x 32 ROI.

    Args:
        nodules: Any number; `shown` of them are taken at even steps.
        name: How the captions call them.
        shown: Pictures.
    """
    rows = np.unique(np.linspace(0, len(nodules) - 1, min(shown, len(nodules))).astype(int))
    chosen = nodules.take(rows)
    words = [f"{name.lower()}, row {row}" for row in rows]
    images = patches.cut(chosen, patches.CONTEXT)[0]
    zoomed = patches.cut(chosen, patches.ROI)[0]
    low, high = (f"{end:.0f}" for end in config.LUNG_WINDOW)
    return [
        blocks.Gallery(
            [blocks.picture(image) for image in images],
            words,
            f"{name} nodules in 64 x 64 pixels; lung window, {low} to {high} HU.",
            width=150,
        ),
        blocks.Gallery(
            [blocks.picture(image) for image in zoomed],
            caption=f"The same {name.lower()} nodules, the 32 x 32 pixels of the ROI.",
            width=150,
        ),
    ]


def _closest(memorisation, synthetic, training):
    images, words = [], []
    for pair in memorisation["closest"]:
        for nodules, kind in ((synthetic, "synthetic"), (training, "training")):
            window, mask = patches.cut(nodules.take(np.array([pair[kind]])), patches.ROI)
            images.append(blocks.picture(window[0], outline=mask[0], zoom=4))
            words.append(
                f"{kind}, row {pair[kind]}"
                + (f": {pair['distance']:.2f}" if kind == "training" else "")
            )
    text = (
        "Each synthetic nodule beside its nearest training nodule, nearest pairs first. The "
        "distance is the difference inside the mask over the nodule's own deviation: 0 is a copy. "
        f"Real nodules are {memorisation['real_median']:.2f} from the nearest of another patient "
        f"(median); below {memorisation['limit']:.2f} a nodule counts as copied."
    )
    return [blocks.Text(text), blocks.Gallery(images, words, columns=8, width=124)]
