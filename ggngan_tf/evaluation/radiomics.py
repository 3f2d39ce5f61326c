"""PyRadiomics' 93 features and its 2D shapes, from a tight cut-out of each nodule.

The one room that imports radiomics. Every number is PyRadiomics' own, to the last bit that of its
`RadiomicsFeatureExtractor(force2D=True)` on the whole slice; only the way to it is shorter.
"""

import dataclasses
import functools
import logging
import pathlib
import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd
import radiomics
import SimpleITK as sitk
from radiomics import firstorder, glcm, gldm, glrlm, glszm, imageoperations, ngtdm, shape2D

from ggngan_tf import errors, files, parallel
from ggngan_tf.data import nodules as nodules_
from ggngan_tf.evaluation import rows

BIN_WIDTH = 25  # HU; PyRadiomics' default, which the paper took
VERSION = f"PyRadiomics {radiomics.__version__}"
_CHUNK = 32  # nodules a task: few enough for a steady progress bar, enough to hide its cost
_ALONE = 128  # below this many nodules a worker's start costs more than its work saves
# PyRadiomics logs a traceback for each feature that fails; the table says so instead.
_SILENT = logging.getLogger("radiomics.prepared")
_SILENT.setLevel(logging.CRITICAL)


@dataclasses.dataclass(frozen=True)
class _Roi:
    image: np.ndarray  # (1, row, column), HU, the nodule's bounding box
    mask: np.ndarray  # bool, the same shape
    binned: np.ndarray  # int, the same shape, 1 in the lowest bin, 0 outside the nodule
    levels: np.ndarray  # the bins that occur
    spacing: tuple[float, float, float]  # mm: column, row, slice
    settings: dict


class _Prepared:
    """Hands a class of PyRadiomics its arrays, already cut out and binned.

    PyRadiomics converts from SimpleITK, lists its own methods and bins anew in each class, which
    takes longer than the features. This leaves behind what its `__init__` would.
    """

    def __init__(self, roi: _Roi):
        self.logger = _SILENT
        self.settings, self.label, self.voxelBased = roi.settings, 1, False
        self.imageArray, self.maskArray = roi.binned, roi.mask
        self.coefficients = {"grayLevels": roi.levels, "Ng": int(roi.levels.max())}
        self.enabledFeatures, self.featureValues = _enabled(type(self)), {}


class _FirstOrder(_Prepared, firstorder.RadiomicsFirstOrder):
    def __init__(self, roi: _Roi):
        super().__init__(roi)
        self.imageArray, self.discretizedImageArray = roi.image, roi.binned
        self.pixelSpacing, self.voxelArrayShift = roi.spacing, 0

    def _initCalculation(self, voxelCoordinates=None):
        super()._initCalculation(voxelCoordinates)
        # Once for all: PyRadiomics sorts the pixels anew for each percentile, six times.
        self.percentiles = np.nanpercentile(self.targetVoxelArray, [10, 25, 75, 90], axis=1)

    def get10PercentileFeatureValue(self):
        return self.percentiles[0]

    def get90PercentileFeatureValue(self):
        return self.percentiles[3]

    def getInterquartileRangeFeatureValue(self):
        return self.percentiles[2] - self.percentiles[1]


class _Glcm(_Prepared, glcm.RadiomicsGLCM):
    symmetricalGLCM, weightingNorm = True, None

    def _calculateCoefficients(self):
        joint = self.P_glcm[0]  # (level, level, angle)
        if joint.shape[2] == 1:  # NumPy then adds up in another order, so leave it to PyRadiomics
            return super()._calculateCoefficients()
        count, levels = self.coefficients["Ng"], self.coefficients["grayLevels"]
        i, j = np.meshgrid(levels.astype(float), levels.astype(float), indexing="ij", sparse=True)
        epsilon = np.spacing(1)
        self.coefficients |= {
            "eps": epsilon,
            "i": i,
            "j": j,
            "kValuesSum": np.arange(2, 2 * count + 1, dtype=float),
            "kValuesDiff": np.arange(count, dtype=float),
            "px": self.P_glcm.sum(2, keepdims=True),
            "py": self.P_glcm.sum(1, keepdims=True),
            "ux": np.sum(i[None, :, :, None] * self.P_glcm, (1, 2), keepdims=True),
            "uy": np.sum(j[None, :, :, None] * self.P_glcm, (1, 2), keepdims=True),
            # One pass over the matrix where PyRadiomics takes one for each sum and difference.
            "pxAddy": _added_up(joint, levels[:, None] + levels - 2, 2 * count - 1),
            "pxSuby": _added_up(joint, np.abs(levels[:, None] - levels), count),
            "HXY": -1 * np.sum(self.P_glcm * np.log2(self.P_glcm + epsilon), (1, 2)),
        }
        return None


class _Gldm(_Prepared, gldm.RadiomicsGLDM):
    gldm_a = 0


class _Glrlm(_Prepared, glrlm.RadiomicsGLRLM):
    weightingNorm = None


class _Glszm(_Prepared, glszm.RadiomicsGLSZM):
    pass


class _Ngtdm(_Prepared, ngtdm.RadiomicsNGTDM):
    pass


def _added_up(joint, bins, count):
    sums = [np.bincount(bins.ravel(), plane.ravel(), count) for plane in np.moveaxis(joint, 2, 0)]
    return np.stack(sums, axis=1)[None]


@functools.cache
def _enabled(kind):
    return {name: True for name, deprecated in kind.getFeatureNames().items() if not deprecated}


# In the paper's order, 18 + 24 + 14 + 16 + 16 + 5
_CLASSES = {
    "firstorder": _FirstOrder,
    "glcm": _Glcm,
    "gldm": _Gldm,
    "glrlm": _Glrlm,
    "glszm": _Glszm,
    "ngtdm": _Ngtdm,
}
FEATURES = tuple(f"original_{c}_{name}" for c, kind in _CLASSES.items() for name in _enabled(kind))
SHAPES = tuple(f"original_shape2D_{name}" for name in _enabled(shape2D.RadiomicsShape2D))


def one(
    image: np.ndarray,
    mask: np.ndarray,
    spacing: Iterable[float],
    *,
    bin_width: float = BIN_WIDTH,
    shapes: bool = True,
) -> dict[str, float]:
    """Returns one nodule's features by PyRadiomics' names, 93 and, if asked, 9 of the 2D shape.

    Args:
        image: `(row, column)`, HU.
        mask: The same shape; the nodule is where it is not 0.
        spacing: mm, row and column; slices count as 1 mm thick (`TotalEnergy`).
        bin_width: Of the grey levels, in the unit of `image`.
        shapes: Whether to add the 2D shape features, which the paper lacks.

    Raises:
        RadiomicsError: The nodule is less than 2 pixels high or wide, as PyRadiomics needs.
    """
    image, mask = rows.cut(image, mask)
    return _compute(image, mask, spacing, bin_width, shapes)


def features(images: np.ndarray, masks: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Returns the 93 features (order: `FEATURES`), float64 `(N, 93)`; NaN where there are none.

    The quick way for a running training: arrays in, an array out, in this process.

    Args:
        images: int16 `(N, row, column)`, HU.
        masks: uint8 `(N, row, column)`.
        spacing: `(N, 2)` or `(2,)`, mm, row and column.

    Raises:
        RadiomicsError: The intensities are not HU.
    """
    rows.check_hu(images, BIN_WIDTH)
    spacing = np.broadcast_to(np.asarray(spacing, float), (len(images), 2))
    cuts = [(*rows.cut(i, m), tuple(s)) for i, m, s in zip(images, masks, spacing, strict=True)]
    found = _block(cuts, shapes=False)
    return np.array([[row.get(name, np.nan) for name in FEATURES] for row in found]).reshape(-1, 93)


def extract(
    nodules: nodules_.NoduleSet, jobs: int = 1, scheduler: str | None = None
) -> pd.DataFrame:
    """Returns one row a nodule: where it comes from, 93 features and 9 of the 2D shape.

    A nodule that PyRadiomics refuses is a row of NaN, with the refusal in the column `reason`.

    Args:
        nodules: Of any slice size.
        jobs: Worker processes; -1 takes every core. Small sets stay in this process.
        scheduler: Address of a Dask scheduler, in place of `jobs`.

    Raises:
        RadiomicsError: The intensities are not HU.
        ConfigError: `scheduler` does not answer.
    """
    rows.check_hu(nodules.image, BIN_WIDTH)
    spacing = nodules.pixel_spacing.astype(float)
    # Workers get cut-outs, not slices: a thousandth of the bytes.
    cuts = [
        (*rows.cut(i, m), tuple(s))
        for i, m, s in zip(nodules.image, nodules.mask, spacing, strict=True)
    ]
    blocks = [cuts[start : start + _CHUNK] for start in range(0, len(cuts), _CHUNK)]
    jobs = 1 if len(cuts) < _ALONE else jobs
    results = parallel.run(_block, blocks, jobs=jobs, scheduler=scheduler, label="Radiomics")
    found = [row for block in results for row in block]
    columns = ["reason", *FEATURES, *SHAPES]
    return pd.concat(
        [rows.provenance(nodules, VERSION), pd.DataFrame(found, columns=columns)], axis=1
    )


def write(table: pd.DataFrame, path: pathlib.Path) -> None:
    """Writes a table of features as CSV, every digit kept, whole or not at all.

    Raises:
        OutputError: The folder cannot be written to, or the disk is full.
    """
    with files.atomic_file(path) as temporary:
        table.to_csv(temporary, index=False)


def read(path: pathlib.Path) -> pd.DataFrame:
    """Reads a table of features: ours, or any CSV with PyRadiomics' names for the 93 columns.

    Raises:
        RadiomicsError: It is not CSV, has no rows, or a feature is missing or not a number.
    """
    text = dict.fromkeys(("patient_id", "series_uid", "sop_uid", "manufacturer", "reason"), str)
    try:
        table = pd.read_csv(path, float_precision="round_trip", dtype=text)
    except (ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise errors.RadiomicsError(f"{path}: cannot be read as CSV ({reason}).") from error
    table[[c for c in text if c in table]] = table[[c for c in text if c in table]].fillna("")
    missing = [name for name in FEATURES if name not in table]
    if missing:
        raise errors.RadiomicsError(
            f"{path}: {len(missing)} of 93 features are missing, first {missing[0]}; "
            "make the table with `ggngan radiomics`."
        )
    words = [name for name in FEATURES if not pd.api.types.is_numeric_dtype(table[name])]
    if words or not len(table):
        found = f"column {words[0]} holds text" if len(table) else "it has no rows"
        raise errors.RadiomicsError(f"{path}: {found}; needed is one number a nodule and feature.")
    return table


def _block(cuts, shapes=True):
    return [_row(*cut, shapes) for cut in cuts]


def _row(image, mask, spacing, shapes):
    try:
        values = _compute(image, mask, spacing, BIN_WIDTH, shapes)
    except errors.RadiomicsError as error:
        return {"reason": str(error)}
    failed = [name for name, value in values.items() if np.isnan(value)]
    reason = f"no value for {len(failed)} features, first {failed[0]}" if failed else ""
    return {"reason": reason} | values


def _compute(image, mask, spacing, bin_width, shapes):
    if min(mask.shape) < 2:
        raise errors.RadiomicsError(
            f"the mask's box is {mask.shape[0]} x {mask.shape[1]} pixels, "
            "needed are 2 x 2 or more; drop the nodule or mark it wider."
        )
    roi = _prepare(image[None], mask[None], spacing, bin_width)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of no angles is NaN, as it says
        values = {c: kind(roi).execute() for c, kind in _CLASSES.items()}
        values |= {"shape2D": _shape(roi)} if shapes else {}
    return {
        f"original_{c}_{name}": float(v) for c, found in values.items() for name, v in found.items()
    }


def _prepare(image, mask, spacing, bin_width):
    settings = {"force2D": True, "binWidth": bin_width}
    binned, _ = imageoperations.binImage(image, mask, **settings)
    row, column = spacing
    sides = (float(column), float(row), 1.0)
    return _Roi(image, mask, binned, np.unique(binned[mask]), sides, settings)


def _shape(roi):
    mask = sitk.GetImageFromArray(roi.mask.astype(np.uint8))
    mask.SetSpacing(roi.spacing)
    return shape2D.RadiomicsShape2D(mask, mask, **roi.settings).execute()
