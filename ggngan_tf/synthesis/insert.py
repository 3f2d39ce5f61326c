"""Paints nodules into a CT series and writes what a viewer, a CAD system or a person needs."""

import csv
import dataclasses
import pathlib

import numpy as np
import tqdm

from ggngan_tf import files
from ggngan_tf.data import conditions, dicom, lungs
from ggngan_tf.synthesis import preview, repaint, saved, shapes, sites


@dataclasses.dataclass(frozen=True)
class Nodule:
    """One synthetic nodule.

    Attributes:
        site: Where it is.
        mask: uint8 `(row, column)`, its pixels in the slice.
        painted: uint8, likewise; every pixel that was painted, a little more than the mask.
        before: int16 `(row, column)`, the slice as it was, HU.
        after: int16, the slice with this nodule and those painted into it before.
        seed: Of its noise.
    """

    site: sites.Site
    mask: np.ndarray
    painted: np.ndarray
    before: np.ndarray
    after: np.ndarray
    seed: int


def find_lung(series: dicom.Series) -> np.ndarray:
    """Returns the lung region, uint8 `(slice, row, column)`; slices without lung are zeros.

    Raises:
        LungError: No slice shows lung.
    """
    if len(series) == 1:
        return lungs.extract(series.volume[0], series.pixel_spacing)[None]
    return lungs.extract_volume(series.volume, series.pixel_spacing, series.slice_spacing)


def choose_sites(
    series: dicom.Series,
    lung: np.ndarray,
    count: int,
    table: pathlib.Path | None,
    diameter_mm: float | None,
    seed: int,
    asked: np.ndarray | None = None,
) -> list[sites.Site]:
    """Returns the sites of a table or, without one, `count` found in the lung.

    A diameter that nobody gave is drawn from real nodules, rated as malignant as `asked` says if it
    does; `asked` is as in `insert`.

    Raises:
        SiteError: A site lies outside the lung, or fewer than `count` fit.
    """
    random = np.random.default_rng(seed)
    if table is not None:
        return sites.read(table, series, lung, random, _malignancy(asked))
    return sites.find(
        series.volume,
        lung,
        series.pixel_spacing,
        series.slice_spacing,
        count,
        random,
        diameters_mm=diameter_mm,
        malignancy=_malignancy(asked),
        orientation=series.orientation,
    )


def insert(
    series: dicom.Series,
    lung: np.ndarray,
    places: list[sites.Site],
    model: saved.Model,
    seed: int,
    asked: np.ndarray | None = None,
) -> list[Nodule]:
    """Paints one nodule at each site; its shape is drawn, the lung's border cuts it.

    `asked` is float32 `(7,)`, what all nodules should be, in the order of `conditions.NAMES`, NaN
    where chance may choose; None for all of it.

    Raises:
        SiteError: A shape does not fit at its site.
    """
    random, rating = np.random.default_rng([seed, 1]), _malignancy(asked)
    seeds = repaint.row_seeds(seed, len(places))
    current: dict[int, np.ndarray] = {}
    made = []
    pairs = zip(places, seeds, strict=True)
    for site, noise in tqdm.tqdm(pairs, total=len(places), desc="painting", delay=2):
        before = current.get(site.slice, series.volume[site.slice])
        outline = shapes.draw(site.diameter_mm, series.pixel_spacing, random, malignancy=rating)
        mask = shapes.place(outline, site, before.shape, lung[site.slice])
        inside = lung[site.slice][None]
        wanted = [] if asked is None else [asked[None]]
        after, painted = model.paint(before[None], mask[None], inside, np.array([noise]), *wanted)
        current[site.slice] = after[0]
        made.append(Nodule(site, mask, painted[0], before, after[0], int(noise)))
    return made


def write(
    series: dicom.Series,
    made: list[Nodule],
    out: pathlib.Path,
    seed: int,
    *,
    burn_marker: bool = False,
    deidentified: bool = False,
    force: bool = False,
) -> None:
    """Writes `series/`, `masks.dcm` (DICOM SEG), `manifest.csv` and `preview.png` into `out`.

    All or nothing: `out` appears when everything in it is written.

    Raises:
        OutputError: `out` is taken, or cannot be written.
        DicomError: A source file is gone or has changed.
    """
    files.check_new(out, force)
    edited = {nodule.site.slice: nodule.after for nodule in made}
    masks = np.zeros(series.volume.shape, np.uint8)
    for number, nodule in enumerate(made, start=1):
        masks[nodule.site.slice][nodule.mask > 0] = number
    with files.atomic_folder(out) as folder:
        written = dicom.write_series(
            series,
            edited,
            folder / "series",
            seed=seed,
            burn_marker=burn_marker,
            deidentified=deidentified,
        )
        dicom.write_segmentation(written, masks, folder / "masks.dcm", seed)
        # A source's file name may name the patient.
        sources = ["" if deidentified else path.name for path in series.paths]
        names = [(path.name, source) for path, source in zip(written, sources, strict=True)]
        _write_manifest(made, names, folder / "manifest.csv")
        preview.write(
            [(n.before, n.after, (n.site.row, n.site.column)) for n in made],
            folder / "preview.png",
        )


def _malignancy(asked):
    rating = np.nan if asked is None else asked[conditions.NAMES.index("malignancy")]
    return None if np.isnan(rating) else float(rating)


def _write_manifest(made, names, path):
    rows = [_row(nodule, *names[nodule.site.slice], i) for i, nodule in enumerate(made, start=1)]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _row(nodule, name, source, number):
    site, inside = nodule.site, nodule.mask > 0
    return {
        "nodule": number,
        "file": f"series/{name}",
        "source": source,
        "slice": site.slice,
        "row": site.row,
        "column": site.column,
        "diameter_mm": f"{site.diameter_mm:.1f}",
        "zone": site.zone,
        "site": site.source,
        "mean_hu_before": f"{nodule.before[inside].mean():.1f}",
        "mean_hu_after": f"{nodule.after[inside].mean():.1f}",
        "painted_pixels": int(nodule.painted.sum()),
        "seed": nodule.seed,
    }
