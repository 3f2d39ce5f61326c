"""Classical augmentation of patches: shifts, flips, right angles, intensities, noise."""

import numpy as np

from ggngan_tf.study import settings as settings_

SIZE = 64  # pixels; what is left of a 71 x 71 patch for shifts is 7


def centre(images: np.ndarray) -> np.ndarray:
    """Returns the middle 64 x 64 pixels of patches `(N, row, column)`, same type."""
    row, column = ((side - SIZE + 1) // 2 for side in images.shape[1:3])
    return images[:, row : row + SIZE, column : column + SIZE]


def scale(hu: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Returns HU clipped to `window` and scaled to [0, 1], float32, any shape."""
    low, high = window
    return (np.clip(hu.astype(np.float32), low, high) - low) / (high - low)


def batch(
    images: np.ndarray,
    how: settings_.Augmentation,
    window: tuple[float, float],
    random: np.random.Generator,
) -> np.ndarray:
    """Returns patches as the network trains on them, float32 `(N, 64, 64, 1)`.

    Args:
        images: int16 `(N, row, column)`, HU; sides of 64 or more.
        how: What may happen to them.
        window: HU that become 0 and 1.
        random: Where all chance comes from; the same state gives the same batch.
    """
    if how.shift:
        cut = np.stack([_shifted(image, how.shift, random) for image in images])
    else:
        cut = centre(images)
    if how.turn:
        cut = np.stack([_turned(image, random.integers(8)) for image in cut])
    hu = cut.astype(np.float32)
    if how.noise_hu:
        # As strong in one image as in another at most: noise must not tell painted from real.
        strength = random.uniform(0, how.noise_hu, (len(hu), 1, 1)).astype(np.float32)
        hu += strength * random.standard_normal(hu.shape, np.float32)
    if how.offset_hu:
        hu += random.normal(0, how.offset_hu, (len(hu), 1, 1)).astype(np.float32)
    scaled = scale(hu, window)
    if how.contrast:
        scaled *= np.exp(random.normal(0, how.contrast, (len(hu), 1, 1))).astype(np.float32)
    return scaled[..., None]


def _shifted(image, shift, random):
    rest = np.array(image.shape) - SIZE
    middle = (rest + 1) // 2
    row, column = np.clip(middle + random.integers(-shift, shift + 1, 2), 0, rest)
    return image[row : row + SIZE, column : column + SIZE]


def _turned(image, way):
    turned = np.rot90(image, way % 4)
    return turned[:, ::-1] if way >= 4 else turned
