"""Times lung extraction on one core and measures it against the phantom's known lungs.

    python benchmarks/lungs.py [--seeds 0 1 2] [--dicom FOLDER] [--out lungs.json]

Milliseconds a slice are processor time, all threads together, the best of three runs for single
slices and one run for volumes. FOLDER may hold any DICOM: its CT series are timed as well, without
Dice, as nobody knows their lungs.
"""

import argparse
import json
import pathlib
import time

import numpy as np

from ggngan_tf import errors
from ggngan_tf.data import dicom, lungs, phantom


def main() -> None:
    """Prints the table, and writes it as JSON if asked."""
    options = _options()
    print("scan                       slices  ms/slice    max  in volume    Dice   worst")
    results = []
    for result in _results(options):
        results.append(result)
        print(_line(result), flush=True)
    if options.out:
        options.out.write_text(json.dumps({"scans": results}, indent=1))


def _results(options):
    for seed in options.seeds:
        scan = phantom.make(seed, slices=options.slices)
        yield _measured(
            f"phantom {seed}", scan.volume, scan.pixel_spacing, scan.slice_spacing, scan
        )
    for uid, paths in dicom.find_series(options.dicom) if options.dicom else ():
        series = dicom.read_slices(paths)
        spacing = tuple(float(mm) for mm in series.pixel_spacing)
        yield _measured(uid[-24:], series.volume, spacing, float(series.slice_spacing or 1.0), None)


def _measured(name, volume, pixel_spacing, slice_spacing, known):
    single = [_slice(hu, pixel_spacing) for hu in volume]
    start = time.process_time()
    try:
        whole = lungs.extract_volume(volume, pixel_spacing, slice_spacing)
    except errors.LungError:
        whole = np.zeros(volume.shape, np.uint8)
    per_slice = 1000 * (time.process_time() - start) / len(volume)
    result = {
        "scan": name,
        "slices": len(volume),
        "rows": volume.shape[1],
        "ms_slice": float(np.mean([ms for _, ms in single])),
        "ms_slice_max": max(ms for _, ms in single),
        "ms_slice_in_volume": per_slice,
    }
    if known is not None:
        found = np.stack([mask for mask, _ in single])
        each = [_dice(a, b) for a, b in zip(found, known.lung, strict=True)]
        result |= {
            "dice_slices": _dice(found, known.lung),
            "dice_worst_slice": min(each),
            "dice_volume": _dice(whole, known.lung),
            "nodules_inside": float(found[known.labels > 0].mean()),
        }
    return result


def _slice(hu, spacing, repeats=3):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        try:
            mask = lungs.extract(hu, spacing)
        except errors.LungError:
            mask = np.zeros(hu.shape, np.uint8)
        times.append(1000 * (time.process_time() - start))
    return mask, min(times)


def _dice(first, second):
    return float(2 * np.sum(first & second) / max(int(first.sum()) + int(second.sum()), 1))


def _line(result):
    dice = (
        f"{result['dice_volume']:7.4f} {result['dice_worst_slice']:7.4f}"
        if "dice_volume" in result
        else f"{'-':>7} {'-':>7}"
    )
    return (
        f"{result['scan']:26} {result['slices']:6} {result['ms_slice']:9.1f} "
        f"{result['ms_slice_max']:6.1f} {result['ms_slice_in_volume']:10.1f} {dice}"
    )


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="of phantoms")
    parser.add_argument("--slices", type=int, default=24, help="of each phantom")
    parser.add_argument("--dicom", type=pathlib.Path, help="folder of CT series")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
