"""Times reading and writing one CT series: a plain loop of pydicom, and ours.

    python benchmarks/dicom_series.py FOLDER [--repeats 3] [--out TIMES.json]

The plain loop reads every file, sorts by position and rescales, and checks nothing. Times are of
the processor, the fastest of the repeats, with the files in the page cache; memory is the peak of
the process after ours.
"""

import argparse
import json
import pathlib
import resource
import tempfile
import time

import numpy as np
import pydicom

from ggngan_tf.data import dicom


def main() -> None:
    """Prints the table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    figures = _figures(options.folder, options.repeats)
    for name, value in figures.items():
        print(f"{name:28} {value:10.3f}" if isinstance(value, float) else f"{name:28} {value:10}")
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1))


def _figures(folder, repeats):
    series, ours = _fastest(lambda: dicom.read_series(folder), repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    volume, plain = _fastest(lambda: _plain(series.paths), repeats)
    np.testing.assert_array_equal(np.clip(volume, dicom.LOWEST, dicom.HIGHEST), series.volume)
    with tempfile.TemporaryDirectory() as out:
        write = lambda: dicom.write_series(series, {}, pathlib.Path(out, "s"), seed=0, force=True)  # noqa: E731
        slices, writing = _fastest(write, repeats)
        masks = np.zeros(series.volume.shape, np.uint8)
        masks[len(series) // 2, 10:20, 10:20] = 1
        seg = pathlib.Path(out, "seg.dcm")
        mark = lambda: dicom.write_segmentation(slices, masks, seg, 0, force=True)  # noqa: E731
        _, marking = _fastest(mark, repeats)
    count = len(series)
    return {
        "slices": count,
        "plain loop, slices/s": count / plain,
        "read_series, slices/s": count / ours,
        "scan alone, slices/s": count / _fastest(lambda: dicom.scan(folder), repeats)[1],
        "write_series, slices/s": count / writing,
        "write_segmentation, s": marking,
        "peak of reading, MB": peak,
        "the volume, MB": series.volume.nbytes / 2**20,
    }


def _plain(paths):
    datasets = [pydicom.dcmread(path) for path in paths]
    datasets.sort(key=lambda dataset: dataset.ImagePositionPatient[2])
    return np.stack(
        [d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in datasets]
    ).astype(np.int16)


def _fastest(function, repeats):
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        result = function()
        times.append(time.process_time() - begun)
    return result, min(times)


if __name__ == "__main__":
    main()
