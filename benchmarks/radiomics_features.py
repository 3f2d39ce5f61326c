"""Times the features of N nodules on 512 x 512 slices: the plain loop of PyRadiomics, and ours.

    python benchmarks/radiomics_features.py [SET.h5] [--nodules 200] [--jobs 1 2] [--out TIMES.json]

Without a set, the nodules are drawn (`NoduleSet` of noisy discs); with one, its patches are laid
into empty slices at their own place. Each way is timed in turns with the others, the fastest of
`--repeats` counts, and the features have to agree to the last bit.
"""

import argparse
import json
import logging
import pathlib
import time

import numpy as np
import radiomics as pyradiomics
import SimpleITK as sitk
from radiomics import featureextractor

from ggngan_tf.data import nodules
from ggngan_tf.evaluation import radiomics

SIZE = 512


def main() -> None:
    """Prints the table, and writes it as JSON if asked."""
    options = _options()
    pyradiomics.setVerbosity(logging.CRITICAL)
    slices = _slices(options.set, options.nodules)
    ways = {"plain loop, 1 process": lambda: _plain(slices)}
    for jobs in options.jobs:
        ways[f"ggngan, {jobs} process(es)"] = lambda jobs=jobs: _ours(slices, jobs)
    _ours(slices, max(options.jobs))  # workers started and modules loaded before the clock runs
    results, times = {}, {name: [] for name in ways}
    for _ in range(options.repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            results[name] = way()
            times[name].append(time.perf_counter() - start)
    _report(times, results, len(slices), options.out)


def _plain(slices):
    extractor = featureextractor.RadiomicsFeatureExtractor(force2D=True, additionalInfo=False)
    extractor.enableFeatureClassByName("shape2D")
    extractor.disableAllFeatures()
    for name in ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape2D"):
        extractor.enableFeatureClassByName(name)
    rows = []
    for image, mask, spacing in zip(slices.image, slices.mask, slices.pixel_spacing, strict=True):
        pair = [sitk.GetImageFromArray(pixels[None]) for pixels in (image, mask)]
        for picture in pair:
            picture.SetSpacing((float(spacing[1]), float(spacing[0]), 1.0))
        values = extractor.execute(*pair)
        rows.append([float(values[n]) for n in (*radiomics.FEATURES, *radiomics.SHAPES)])
    return np.array(rows)


def _ours(slices, jobs):
    table = radiomics.extract(slices, jobs=jobs)
    return table[[*radiomics.FEATURES, *radiomics.SHAPES]].to_numpy(float)


def _slices(path, count):
    found = nodules.read(path).select("any") if path else _drawn(count)
    found = found.take(np.arange(min(count, len(found))))
    image = np.full((len(found), SIZE, SIZE), -1000, np.int16)
    mask = np.zeros((len(found), SIZE, SIZE), np.uint8)
    rows, columns = found.image.shape[1:]
    corners = np.full((len(found), 2), 200)
    if found.slice_origin is not None:
        corners = np.clip(found.slice_origin, 0, SIZE - np.array([rows, columns]))
    for i, (row, column) in enumerate(corners):
        box = np.s_[i, row : row + rows, column : column + columns]
        image[box], mask[box] = found.image[i], found.mask[i]
    changes = {"image": image, "mask": mask, "roi_centre": found.roi_centre + corners}
    return _replace(found, **changes)


def _replace(found, **changes):
    names = ("pixel_spacing", "texture", "malignancy", "subtlety", "patient_id", "series_uid")
    names += ("sop_uid", "manufacturer", "nodule_id")
    kept = {name: getattr(found, name) for name in names}
    changes["roi_centre"] = changes["roi_centre"].astype(np.int32)
    return nodules.NoduleSet(**kept, **changes)


def _drawn(count, size=71):
    random = np.random.default_rng(0)
    row, column = np.mgrid[:size, :size] - size // 2
    discs = np.stack([np.hypot(row, column) <= random.uniform(4, 14) for _ in range(count)])
    image = random.normal(-850, 60, (count, size, size)) + 300 * discs
    ratings, text = np.ones((count, 4), np.int8), np.arange(count).astype(str)
    return nodules.NoduleSet(
        image=image.astype(np.int16),
        mask=discs.astype(np.uint8),
        roi_centre=np.full((count, 2), size // 2, np.int32),
        pixel_spacing=np.full((count, 2), 0.7, np.float32),
        nodule_id=np.arange(count, dtype=np.int32),
        **dict.fromkeys(("texture", "malignancy", "subtlety"), ratings),
        **dict.fromkeys(("patient_id", "series_uid", "sop_uid", "manufacturer"), text),
    )


def _report(times, results, count, path):
    plain = next(iter(times))
    rows = []
    for name, seconds in times.items():
        same = np.array_equal(results[name], results[plain], equal_nan=True)
        row = {"way": name, "ms_a_nodule": 1000 * min(seconds) / count}
        rows.append(row | {"times_faster": min(times[plain]) / min(seconds), "same_bits": same})
    print(f"{'way':<26}{'ms a nodule':>13}{'times faster':>14}  same bits")
    for row in rows:
        numbers = f"{row['ms_a_nodule']:>13.1f}{row['times_faster']:>14.1f}"
        print(f"{row['way']:<26}{numbers}  {row['same_bits']}")
    if path:
        path.write_text(json.dumps({"nodules": count, "rows": rows}, indent=2))


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", nargs="?", type=pathlib.Path)
    parser.add_argument("--nodules", type=int, default=200)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
