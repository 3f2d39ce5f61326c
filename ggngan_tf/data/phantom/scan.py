"""Makes a phantom scan from a seed, and turns it into a DICOM series or a `NoduleSet`."""

import dataclasses
import pathlib

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data import dicom
from ggngan_tf.data import nodules as table
from ggngan_tf.data.phantom import anatomy, lesions, organs, scanner, shapes, vessels, wall

FIELD = 360.0  # mm, of the shorter side of the image
SLICE_SPACING = 2.5  # mm, as most of LIDC-IDRI
NOISE = 17.0  # HU, standard deviation in the middle of the body
MAKER = "ggngan_tf phantom"
PARENCHYMA = -862.0  # HU at mid-height; denser toward the back, where gravity pulls the blood


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Phantom:
    """A drawn chest CT scan with known lungs and nodules.

    Attributes:
        seed: What it was drawn from.
        volume: int16 `(slice, row, column)`, HU; from feet to head, front of the body on top.
        lung: uint8 `(slice, row, column)`, the lung region with its vessels and nodules.
        labels: uint8 `(slice, row, column)`, 0 or the label of a nodule.
        nodules: What is known about each nodule.
        pixel_spacing: mm, row and column.
        slice_spacing: mm.
    """

    seed: int
    volume: np.ndarray
    lung: np.ndarray
    labels: np.ndarray
    nodules: tuple[lesions.Nodule, ...]
    pixel_spacing: tuple[float, float]
    slice_spacing: float


def make(
    seed: int, *, rows: int = 512, columns: int = 512, slices: int = 24, nodules: int = 6
) -> Phantom:
    """Draws a chest CT scan; the same seed and sizes give the same bytes.

    About 60 mm around the carina at the default; 110 slices hold the whole thorax.

    Args:
        seed: Decides on the person, the nodules and the noise.
        rows: Pixels of a column; the field of view is 360 mm over the shorter side.
        columns: Pixels of a row.
        slices: 2.5 mm each.
        nodules: Ground glass nodules of 6 to 20 mm and -750 to -500 HU; a third of them touches
            the pleura and a third a vessel.

    Raises:
        LungError: The lung in so few slices has no room for so many nodules.
    """
    pixel = FIELD / min(rows, columns)
    person = anatomy.person(seed)
    volume, surface, vessel = _draw(person, seed, (slices, rows, columns), pixel)
    random = np.random.default_rng((seed, 3))
    spacing = (SLICE_SPACING, pixel, pixel)
    labels, found = lesions.insert(volume, surface, vessel, spacing, nodules, random)
    return Phantom(
        seed=seed,
        volume=_scanned(volume, pixel, seed),
        lung=(surface < 0).astype(np.uint8),
        labels=labels,
        nodules=found,
        pixel_spacing=(pixel, pixel),
        slice_spacing=SLICE_SPACING,
    )


def _draw(person, seed, shape, pixel):
    trees = vessels.grow(person, seed)
    volume, surface, vessel = (np.empty(shape, np.float32) for _ in range(3))
    x = ((np.arange(shape[2]) - (shape[2] - 1) / 2) * pixel).astype(np.float32)
    y = ((np.arange(shape[1]) - (shape[1] - 1) / 2) * pixel).astype(np.float32)
    for i, z in enumerate(_heights(shape[0])):
        random = np.random.default_rng((seed, 2, i))
        volume[i], surface[i], vessel[i] = _slice(person, trees, x, y, float(z), pixel, random)
    return volume, surface, vessel


def _heights(count):
    """Heights above the carina, mm: around it, or the whole thorax where that many reach."""
    extent = count * SLICE_SPACING
    middle = -15 - 25 * min(extent / 270, 1.0)
    return middle + SLICE_SPACING * (np.arange(count) - (count - 1) / 2)


def _slice(person, trees, x, y, z, pixel, random):
    plane = np.broadcast_to(x, (len(y), len(x))), np.broadcast_to(y[:, None], (len(y), len(x)))
    canvas = np.full(plane[0].shape, -1000.0, np.float32)
    texture = scanner.texture(canvas.shape, 5.0, pixel, random)
    cage = anatomy.cage_distance(person, *plane, z)
    middle = slice(*np.searchsorted(y, [-90, 82])), slice(*np.searchsorted(x, [-78, 86]))
    part = plane[0][middle], plane[1][middle]
    tubes = anatomy.tube_distances(person, *part, z)
    mediastinum = np.full_like(canvas, 100.0)
    mediastinum[middle] = anatomy.mediastinum_distance(person, *part, z, tubes)
    mediastinum = np.minimum(mediastinum, anatomy.spine_distance(*plane))
    surface = anatomy.lung_distance(*plane, z, mediastinum, cage)
    wall.draw(canvas, person, *plane, z, cage, texture)
    organs.draw_abdomen(canvas, person, *plane, z, cage, texture)
    organs.draw(canvas[middle], person, *part, z, tubes, texture[middle])
    tissue, vessel = _lung_tissue(person, trees, x, y, z, pixel, random)
    shapes.paint(canvas, shapes.cover(surface, 0.5), tissue)
    organs.draw_airway(canvas[middle], tubes)
    return canvas, surface, vessel * (surface < 0)


def _lung_tissue(person, trees, x, y, z, pixel, random):
    shape = (len(y), len(x))
    lumps = scanner.texture(shape, 14.0, pixel, random)
    grain = scanner.texture(shape, 2.4, pixel, random)
    tissue = PARENCHYMA + 0.32 * y[:, None] + 9 * lumps + 15 * grain
    tissue = tissue + 70 * _fissures(x, y[:, None], z)
    covers = {
        kind: vessels.cover(trees[kind], x, y, z, SLICE_SPACING, pixel)
        for kind in ("artery", "vein")
    }
    blood = max(person.contrast, 45.0)
    walls = vessels.cover(trees["bronchus"], x, y, z, SLICE_SPACING, pixel, grow_by=0.9)
    lumen = vessels.cover(trees["bronchus"], x, y, z, SLICE_SPACING, pixel)
    shapes.paint(tissue, 0.8 * walls, 0.0)
    shapes.paint(tissue, lumen, -985.0)
    for cover in covers.values():
        shapes.paint(tissue, cover, blood)
    return tissue, np.maximum.reduce(list(covers.values()))


def _fissures(x, y, z):
    """Returns how strongly the fissures show at each place, 0 to 1."""
    bow = 6 * np.sin(x / 28)
    oblique = (y - 8 - bow) * 0.78 + (z + 12) * 0.63
    minor = np.abs(z + 22 + 0.0016 * ((x + 75) ** 2 + (y + 40) ** 2)) - 0.2
    faint = np.exp(-((oblique / 1.1) ** 2))
    right = np.exp(-((minor / 1.4) ** 2)) * 0.55 * (x < 0) * (oblique < 0)
    return np.maximum(faint, right)


def _scanned(volume, pixel, seed):
    random = np.random.default_rng((seed, 4))
    grain = scanner.noise(volume.shape, pixel, random)
    result = np.empty(volume.shape, np.int16)
    for i, image in enumerate(volume):
        # Rays through the body's middle lose most light, so the noise is strongest there.
        solid = np.clip(image + 1000, 0, 1100)
        load = scanner.spread(solid, pixel)
        hu = scanner.blur(image, pixel) + NOISE * (0.55 + 0.75 * load) * grain[i]
        result[i] = np.clip(np.round(hu), -1024, 3071)
    return result


def nodule_set(phantom: Phantom) -> table.NoduleSet:
    """Returns the phantom's nodules, each on the slice where it is largest.

    The images are whole slices; texture is rated 1 (ground glass) by one reader, the phantom
    itself. Their mean HU and diameters are in `phantom.nodules`.

    Raises:
        NoduleSetError: The phantom was made without nodules.
    """
    if not phantom.nodules:
        raise errors.NoduleSetError(
            f"phantom {phantom.seed} has no nodule; make it with `nodules=1` or more."
        )
    sizes = np.stack([(phantom.labels == n.label).sum(axis=(1, 2)) for n in phantom.nodules])
    largest = sizes.argmax(axis=1)
    masks = np.stack(
        [phantom.labels[i] == n.label for i, n in zip(largest, phantom.nodules, strict=True)]
    )
    count = len(masks)
    ones = np.ones((count, 1), np.int8)
    names = [f"PHANTOM-{phantom.seed}"] * count
    return table.NoduleSet(
        image=phantom.volume[largest],
        mask=masks.astype(np.uint8),
        lung=phantom.lung[largest],
        roi_centre=np.stack([_box_centre(mask) for mask in masks]).astype(np.int32),
        slice_origin=np.zeros((count, 2), np.int32),
        pixel_spacing=np.tile(np.float32(phantom.pixel_spacing), (count, 1)),
        texture=ones,
        malignancy=0 * ones,
        subtlety=0 * ones,
        patient_id=np.array(names),
        series_uid=np.full(count, "", dtype=str),
        sop_uid=np.full(count, "", dtype=str),
        manufacturer=np.full(count, MAKER),
        nodule_id=np.array([n.label for n in phantom.nodules], np.int32),
        attributes={"licence": "CC0-1.0", "note": "drawn by ggngan_tf.data.phantom, no patient"},
    )


def write(
    phantom: Phantom, out: pathlib.Path | str, seed: int, force: bool = False
) -> list[pathlib.Path]:
    """Writes a phantom as a DICOM series to the folder `out` and returns its files in slice order.

    Patient, manufacturer and series description say that it is a phantom.

    Args:
        phantom: What to write.
        out: A folder that is empty or not there yet.
        seed: Part of the UIDs.
        force: Replace what `out` holds.

    Raises:
        OutputError: `out` is taken, or cannot be written.
    """
    return dicom.new_series(
        phantom.volume,
        phantom.pixel_spacing,
        phantom.slice_spacing,
        out,
        seed=seed,
        patient_id=f"PHANTOM-{phantom.seed}",
        manufacturer=MAKER,
        description="Drawn thorax phantom, no patient",
        force=force,
    )


def _box_centre(mask):
    places = np.argwhere(mask)
    return (places.min(axis=0) + places.max(axis=0)) // 2
