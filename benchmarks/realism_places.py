"""Healthy lung and shapes to paint into it: patches of the part's patients, slices of others."""

import dataclasses
import functools
import pathlib

import numpy as np
from scipy import ndimage

from ggngan_tf import errors
from ggngan_tf.data import dicom, lungs
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.synthesis import parenchyma, shapes

SIZE = 71  # pixels of a window, as those of the real nodules
_ROOM = 16  # pixels from a patch's edge, so that the 32 x 32 ROI lies in it
_AIR = -550  # HU; aerated lung of a patch, which is too small to extract a lung from
_GAP = 5  # pixels around a patch's own nodule
_FAR = 96  # pixels of a slice around a place; more than any generator's margin and a nodule
_TRIES = 40  # backgrounds that a shape is tried in


@dataclasses.dataclass(frozen=True, eq=False)
class Background:
    """Lung to paint into: `hu` int16 and `lung` bool, `(row, column)`; spacing in mm."""

    hu: np.ndarray
    lung: np.ndarray
    spacing: tuple[float, float]
    patient: str
    room: int

    @functools.cached_property
    def study(self) -> parenchyma.Parenchyma:
        """What the lung offers; measured once, for shapes of any size."""
        return parenchyma.study(self.hu, self.lung, self.spacing, self.hu.shape[1] / 2)


@dataclasses.dataclass(frozen=True, eq=False)
class Place:
    """A shape in healthy lung.

    Attributes:
        hu: int16 `(row, column)`, the patch, or the part of a slice that a painter may look at.
        mask: uint8, the same shape: what is asked for.
        row, column: Its middle.
        spacing: mm, row and column.
        patient: Whose lung it is.
        whole: Whether it is of a whole slice rather than of a patch.
    """

    hu: np.ndarray
    mask: np.ndarray
    row: int
    column: int
    spacing: tuple[float, float]
    patient: str
    whole: bool

    def window(self, image: np.ndarray) -> np.ndarray:
        """Returns 71 x 71 pixels of an image of the shape of `hu`; its edge goes on beyond it."""
        rows, columns = self._around()
        height, width = image.shape
        return image[np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))]

    def seen(self) -> np.ndarray:
        """Returns which pixels of the window lie on the patch or slice, bool `(71, 71)`."""
        height, width = self.hu.shape
        rows, columns = self._around()
        return ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))

    def shape(self) -> np.ndarray:
        """Returns the mask's window, uint8 `(71, 71)`."""
        return self.window(self.mask) * self.seen()

    def _around(self):
        reach = np.arange(-(SIZE // 2), SIZE // 2 + 1)
        return self.row + reach, self.column + reach


def of_patches(nodules: nodules_.NoduleSet) -> list[Background]:
    """Returns the lung around the nodules of a set, which themselves are left out."""
    made = []
    for hu, mask, spacing, patient in zip(
        nodules.image, nodules.mask, nodules.pixel_spacing, nodules.patients(), strict=True
    ):
        smooth = ndimage.gaussian_filter(hu.astype(np.float32), 1.0)
        lung = ndimage.binary_fill_holes(ndimage.binary_closing(smooth < _AIR, iterations=2))
        lung &= ~ndimage.binary_dilation(mask > 0, iterations=_GAP)
        step = tuple(float(s) for s in spacing)
        made.append(Background(hu, lung, step, patient, _ROOM))
    return made


def of_slices(folder: pathlib.Path) -> list[Background]:
    """Returns the slices of a folder of DICOM files that show lung, one patient each.

    Raises:
        DicomError: A file cannot be read.
    """
    made = []
    for path in sorted(folder.glob("*.dcm")):
        series = dicom.read_series(path)
        try:
            lung = lungs.extract(series.volume[0], series.pixel_spacing) > 0
        except errors.LungError:
            continue
        spacing = tuple(float(s) for s in series.pixel_spacing)
        made.append(Background(series.volume[0], lung, spacing, path.stem, SIZE // 2 + 1))
    return made


def draw(
    patches: list[Background],
    slices: list[Background],
    training: nodules_.NoduleSet,
    count: int,
    seed: int,
    diameters: np.ndarray | None = None,
    malignancy: np.ndarray | None = None,
) -> list[Place]:
    """Returns `count` shapes at places in healthy lung, every other one in a whole slice.

    Outlines and diameters are drawn from the training nodules, and a shape that fits into no patch
    goes to a slice: what is compared is as large as real nodules are.

    Args:
        patches: Backgrounds of the part's patients.
        slices: Whole slices of others.
        training: Real nodules.
        count: How many.
        seed: Same seed, same places.
        diameters: mm, `(count,)`, in place of drawn ones.
        malignancy: Ratings `(count,)`; diameters and outlines are then those of real nodules of
            that rating, as `ggngan generate --malignancy` takes them.

    Raises:
        SiteError: A shape fits nowhere.
    """
    random = np.random.default_rng([seed, 1])
    templates = shapes.templates(training)
    found = []
    for index in range(count):
        outline = templates[random.integers(len(templates))]
        diameter = shapes.diameter(outline) * np.exp(random.normal(0, 0.05))
        like = {"templates": [outline]}
        if malignancy is not None:
            like = {"malignancy": float(malignancy[index])}
            diameter = float(shapes.diameters(1, random, **like)[0])
        if diameters is not None:
            diameter = float(diameters[index])
        grounds = patches if index % 2 else slices
        place = _fit(grounds, like, diameter, random) or _fit(slices, like, diameter, random)
        if place is None:
            raise errors.SiteError(f"a shape of {diameter:.0f} mm fits into no slice; give more.")
        found.append(place)
    return found


def _fit(grounds, like, diameter, random):
    for index in random.permutation(len(grounds))[:_TRIES]:
        ground = grounds[index]
        free = _free(ground, diameter)
        if not free.any():
            continue
        row, column = random.choice(np.argwhere(free))
        shape = shapes.draw(diameter, ground.spacing, random, **like)
        reach = np.array(shape.shape) // 2
        first, last = np.array([row, column]) - reach, np.array([row, column]) + reach + 1
        if max(reach) <= SIZE // 2 - 3 and min(first) >= 2 and all(last <= free.shape[0] - 2):
            mask = np.zeros(ground.hu.shape, np.uint8)
            mask[first[0] : last[0], first[1] : last[1]] = shape
            return _place(ground, mask, row, column)
    return None


def _place(ground, mask, row, column):
    """Cuts away what no painter can see from there."""
    top, left = max(0, row - _FAR), max(0, column - _FAR)
    box = np.s_[top : row + _FAR, left : column + _FAR]
    whole = ground.hu.shape[0] > SIZE
    cut = ground.hu[box], mask[box], int(row - top), int(column - left)
    return Place(*cut, ground.spacing, ground.patient, whole)


def _free(ground, diameter):
    if not ground.lung.any():
        return ground.lung
    free = parenchyma.suitable(ground.study, diameter, "avoid")
    inner = np.zeros_like(free)
    inner[ground.room : -ground.room, ground.room : -ground.room] = True
    return free & inner
