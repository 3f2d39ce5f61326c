"""Finds sites in scans, draws shapes on them, and shows both: a table, and contact sheets to judge.

    python benchmarks/sites.py SCAN [SCAN ...] [--count 1] [--pleura avoid] [--diameter MM]
        [--seed 0] [--out DIR]

A SCAN is a DICOM file or the folder of one series. DIR gets `sites.json` and `sheet-N.png`, 48
sites each, in lung window with the shape's outline. Prints the share of each shape that lies in
the lung, the HU that it covers, how far nodules are apart and how many scans were refused.
"""

import argparse
import json
import pathlib
import time

import matplotlib
import numpy as np
from scipy import ndimage

matplotlib.use("Agg")
from matplotlib import pyplot

from ggngan_tf import errors
from ggngan_tf.data import dicom, lungs
from ggngan_tf.synthesis import shapes, sites

HALF = 64  # pixels shown around a site
ROWS, COLUMNS = 6, 8
LOWEST, HIGHEST = -1350, 150  # HU, lung window


def main() -> None:
    """Prints the table; writes the figures and the sheets if asked."""
    options = _options()
    rows, tiles, refusals = [], [], {}
    for number, path in enumerate(options.scans):
        try:
            for row, tile in _scan(path, options, np.random.default_rng([options.seed, number])):
                rows.append(row)
                tiles.append((_title(row), tile))
        except errors.GgnganError as error:
            refusals[str(path)] = str(error)
    summary = _summary(rows, refusals, options)
    for name, value in summary.items():
        print(f"{name:<44}{value}")
    for path, message in refusals.items():
        print(f"refused {path}: {message}")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        result = {"summary": summary, "sites": rows, "refused": refusals}
        (options.out / "sites.json").write_text(json.dumps(result, indent=1) + "\n")
        _sheets(tiles, options.out)


def _scan(path, options, random):
    series = dicom.read_series(path)
    spacing, between = series.pixel_spacing, series.slice_spacing
    if between is None:
        lung = lungs.extract(series.volume[0], spacing)[None]
    else:
        lung = lungs.extract_volume(series.volume, spacing, between)
    start = time.perf_counter()
    found = sites.find(
        series.volume,
        lung,
        spacing,
        between,
        options.count,
        random,
        diameters_mm=options.diameter,
        pleura=options.pleura,
        orientation=series.orientation,
    )
    seconds = (time.perf_counter() - start) / len(found)
    for site in found:
        shape = shapes.draw(site.diameter_mm, spacing, random)
        mask = shapes.place(shape, site, series.volume.shape[1:])
        hu, inside = series.volume[site.slice], lung[site.slice]
        yield _row(path, site, hu, inside, mask, seconds), _tile(hu, mask, site)


def _row(path, site, hu, lung, mask, seconds):
    covered = hu[mask == 1]
    return {
        "scan": path.name,
        "slice": site.slice,
        "row": site.row,
        "column": site.column,
        "zone": site.zone,
        "diameter_mm": round(site.diameter_mm, 2),
        "pixels": int(mask.sum()),
        "in_lung": float(lung[mask == 1].mean()),
        "median_hu": float(np.median(covered)),
        "p95_hu": float(np.percentile(covered, 95)),
        "above_minus_500": float((covered > -500).mean()),
        "below_minus_980": float((covered < -980).mean()),
        "seconds": seconds,
    }


def _summary(rows, refusals, options):
    def spread(name, digits=0):
        values = [row[name] for row in rows]
        return [round(float(v), digits) for v in np.percentile(values, [0, 5, 50, 95, 100])]

    summary = {"scans": len(options.scans), "scans refused": len(refusals), "sites": len(rows)}
    if rows:
        summary |= {
            "shapes wholly in the lung": sum(row["in_lung"] == 1 for row in rows),
            "diameter, mm (0, 5, 50, 95, 100%)": spread("diameter_mm", 1),
            "median HU under a shape": spread("median_hu"),
            "95th percentile of HU under a shape": spread("p95_hu"),
            "share above -500 HU": spread("above_minus_500", 3),
            "share below -980 HU": spread("below_minus_980", 3),
            "seconds a site": spread("seconds", 3),
        }
    return summary


def _title(row):
    name = f"{row['scan'][:7]} s{row['slice']} {row['diameter_mm']:.0f} mm"
    return f"{name}\n{row['median_hu']:.0f} / {row['p95_hu']:.0f} HU, {row['zone']}"


def _tile(hu, mask, site):
    window = np.s_[site.row : site.row + 2 * HALF + 1, site.column : site.column + 2 * HALF + 1]
    image = np.pad(hu, HALF, constant_values=LOWEST)[window].astype(float)
    shape = np.pad(mask, HALF)[window] == 1
    grey = np.clip((image - LOWEST) / (HIGHEST - LOWEST), 0, 1)
    colour = np.repeat(grey[..., np.newaxis], 3, axis=2)
    colour[ndimage.binary_dilation(shape) & ~shape] = (1.0, 0.8, 0.0)
    return colour


def _sheets(tiles, folder):
    size = ROWS * COLUMNS
    for number, first in enumerate(range(0, len(tiles), size)):
        figure, axes = pyplot.subplots(ROWS, COLUMNS, figsize=(3 * COLUMNS, 3.3 * ROWS))
        for axis in axes.flat:
            axis.axis("off")
        for axis, (title, tile) in zip(axes.flat, tiles[first : first + size], strict=False):
            axis.imshow(tile, interpolation="nearest")
            axis.set_title(title, fontsize=10)
        figure.tight_layout(pad=0.3)
        figure.savefig(folder / f"sheet-{number}.png", dpi=75)
        pyplot.close(figure)


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="+", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=1, help="sites a scan")
    parser.add_argument("--pleura", choices=["avoid", "allow", "seek"], default="avoid")
    parser.add_argument("--diameter", type=float, help="mm; real diameters where not given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, help="folder for figures and sheets")
    return parser.parse_args()


if __name__ == "__main__":
    main()
