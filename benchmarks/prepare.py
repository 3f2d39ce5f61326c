"""Times `ggngan prepare` on 10, 100 and 1,000 phantom series, beside a plain loop over pydicom.

    python benchmarks/prepare.py [--series 10 100 1000] [--jobs 1 2] [--lung none slice]

The series are hard links to a few distinct ones, so that a small disk holds them; they are read
from the page cache, and the figures are of processors, not of the disk. Each run is a process of
its own, whose peak memory is given, without that of its workers. The plain loop does what a
script would: it reads a series' files in one process, sorts and rescales them, cuts out each
nodule's largest slice and writes one HDF5; it checks nothing, and finds no lung. Processor time
holds what the clock cannot say on a busy machine, start-up included.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
import pydicom

from ggngan_tf.data import dicom, phantom, prepare, rows

DISTINCT = 4


def main() -> None:
    """Prints the table, and writes it as JSON if asked."""
    options = _options()
    if options.way:
        print(json.dumps(_timed(options)))
        return
    results = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        sources = _sources(pathlib.Path(folder), options.slices)
        for count in options.series:
            _link(sources, pathlib.Path(folder), count)
            for way, jobs, lung in _ways(options):
                result = _run(folder, way, jobs, lung, count, options.slices)
                results.append(result)
                print(_line(result), flush=True)
    if options.out:
        options.out.write_text(json.dumps({"cores": os.cpu_count(), "runs": results}, indent=1))


def _ways(options):
    yield "plain", 1, "none"
    for lung in options.lung:
        for jobs in options.jobs:
            yield "ggngan", jobs, lung


def _sources(folder, slices):
    sources = []
    for seed in range(DISTINCT):
        made = phantom.make(seed, slices=slices, nodules=4)
        source = folder / f"source{seed}"
        files = phantom.write(made, source / "series", seed)
        dicom.write_segmentation(files, made.labels.astype(np.uint8), source / "seg.dcm", seed)
        np.save(source / "labels.npy", made.labels)
        sources.append(source)
    return sources


def _link(sources, folder, count):
    lines = ["image,mask,patient_id"]
    for i in range(count):
        target = folder / f"case{i:05d}"
        if not target.exists():
            shutil.copytree(sources[i % DISTINCT], target, copy_function=os.link)
        lines.append(f"{target}/series,{target}/seg.dcm,P{i:05d}")
    (folder / "table.csv").write_text("\n".join(lines))


def _run(folder, way, jobs, lung, count, slices):
    command = [sys.executable, __file__, "--way", way, "--jobs", str(jobs), "--lung", lung]
    before = _processor()
    done = subprocess.run([*command, "--folder", folder], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    measured = json.loads(done.stdout.splitlines()[-1])
    measured["processor_seconds"] = round(_processor() - before, 2)
    speed = count * slices / measured["seconds"]
    named = {"way": way, "jobs": jobs, "lung": lung, "series": count}
    return named | measured | {"slices_per_second": round(speed, 1)}


def _processor():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _timed(options):
    start = time.perf_counter()
    folder, jobs, lung = options.folder, options.jobs[0], options.lung[0]
    out = folder / "set.h5"
    if options.way == "plain":
        written = _plain(folder, out)
    else:
        settings = rows.Settings(lung=lung, slices="largest")
        written = prepare.from_table(folder / "table.csv", out, settings, jobs=jobs).rows
    seconds = time.perf_counter() - start
    out.unlink()
    return {"seconds": round(seconds, 2), "rows": written, "peak_mib": _peak()}


def _peak():
    # getrusage would give the parent's peak where that was higher.
    status = pathlib.Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def _plain(folder, out):
    written = 0
    cases = [line.split(",") for line in (folder / "table.csv").read_text().splitlines()[1:]]
    with h5py.File(out, "w") as file:
        shape = {"shape": (0, 512, 512), "maxshape": (None, 512, 512), "chunks": (1, 512, 512)}
        packed = {"compression": "gzip", "shuffle": True}
        image = file.create_dataset("image", dtype=np.int16, **shape, **packed)
        mask = file.create_dataset("mask", dtype=np.uint8, **shape, **packed)
        for series, _, _ in cases:
            volume = _plain_volume(pathlib.Path(series))
            labels = np.load(pathlib.Path(series).parent / "labels.npy")
            for number in range(1, labels.max() + 1):
                inside = labels == number
                index = inside.sum(axis=(1, 2)).argmax()
                for dataset, values in ((image, volume), (mask, inside)):
                    dataset.resize(written + 1, axis=0)
                    dataset[written] = values[index]
                written += 1
    return written


def _plain_volume(folder):
    slices = [pydicom.dcmread(path) for path in folder.glob("*.dcm")]
    slices.sort(key=lambda dataset: float(dataset.ImagePositionPatient[2]))
    hu = [s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in slices]
    return np.stack(hu).astype(np.int16)


def _line(result):
    return (
        f"{result['series']:>6,} series  {result['way']:7} jobs {result['jobs']}  "
        f"lung {result['lung']:7}{result['seconds']:9.1f} s{result['slices_per_second']:8.1f} "
        f"slices/s{result['processor_seconds']:9.1f} s of processor"
        f"{result['rows']:7,} rows{result['peak_mib']:6,} MiB"
    )


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--slices", type=int, default=24, help="slices a series")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--lung", nargs="+", default=["none", "slice"])
    parser.add_argument("--folder", type=pathlib.Path, help="where to put the series")
    parser.add_argument("--out", type=pathlib.Path, help="JSON")
    parser.add_argument("--way", choices=["plain", "ggngan"], help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
