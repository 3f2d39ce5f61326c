"""What a scanner adds: its sharpness and its noise."""

import numpy as np
from scipy import fft, ndimage

SHARPNESS = 0.42  # mm, the standard deviation of the point spread of a lung kernel
CUTOFF = 0.42  # cycles a mm, where the kernel ends


def blur(image: np.ndarray, pixel: float) -> np.ndarray:
    """Returns `image` `(row, column)` as sharp as the scanner shows it."""
    return ndimage.gaussian_filter(image, SHARPNESS / pixel, mode="nearest")


def noise(shape: tuple[int, int, int], pixel: float, random) -> np.ndarray:
    """Returns noise of unit variance, float32 `(slice, row, column)`.

    Filtered back projection turns white noise into noise whose power rises with the frequency and
    falls where the kernel ends (Riederer et al., 1978); neighbouring slices share some of it.
    """
    rows, columns = shape[1:]
    frequency = np.hypot(fft.fftfreq(rows, pixel)[:, None], fft.rfftfreq(columns, pixel))
    amplitude = np.sqrt(frequency) * np.exp(-((frequency / CUTOFF) ** 2))
    result = np.empty(shape, np.float32)
    for i in range(len(result)):
        white = random.standard_normal((rows, columns), np.float32)
        result[i] = fft.irfft2(fft.rfft2(white) * amplitude, s=(rows, columns))
    mixed = ndimage.convolve1d(result, [0.2, 0.6, 0.2], axis=0, mode="wrap")
    return mixed / mixed.std()


def texture(shape: tuple[int, int], size: float, pixel: float, random) -> np.ndarray:
    """Returns smooth noise of unit variance with lumps of `size` mm, float32 `(row, column)`."""
    step = max(int(size / pixel / 2), 1)
    coarse = random.standard_normal([n // step + 4 for n in shape]).astype(np.float32)
    coarse = ndimage.gaussian_filter(coarse, 1.0)
    fine = ndimage.zoom(coarse, step, order=1) if step > 1 else coarse
    return fine[: shape[0], : shape[1]] / fine.std()


def spread(solid: np.ndarray, pixel: float) -> np.ndarray:
    """Returns how much matter rays through each pixel meet, about 0 to 1, `(row, column)`."""
    along = solid.sum(axis=1, keepdims=True) + solid.sum(axis=0, keepdims=True)
    smooth = ndimage.uniform_filter(along, int(20 / pixel), mode="nearest")
    return smooth * pixel / 6e5
