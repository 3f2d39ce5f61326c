"""Reads damaged DICOM files by the ten thousand, and writes again what was read of them.

    python benchmarks/damage_dicom.py [--cases 2000] [--source CT.dcm] [--out DAMAGE.json]

A drawn slice (or one that is given) is stored in each transfer syntax that the installed programs
write, and damaged as `tests/data/dicom/damage.py` does. Each syntax runs in a process of its own
under a limit of memory; a crash ends that process and is reported with its case, so are a case that
takes over ten seconds and any error that is not one of ours. Prints a table and writes JSON; the
exit code is 1 if anything was found.
"""

import argparse
import collections
import json
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import pydicom
from pydicom import uid

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ggngan_tf import errors  # noqa: E402
from ggngan_tf.data import dicom  # noqa: E402
from tests.data.dicom import damage  # noqa: E402

SLOW = 10.0  # seconds a case
MEMORY = 6 << 30  # bytes of address space
COMPRESSED = {
    "rle": uid.RLELossless,
    "jpeg2000": uid.JPEG2000Lossless,
    "jpegls": uid.JPEGLSLossless,
}
CONVERTED = {  # name: program of DCMTK and its option
    "jpeg-lossless": ("dcmcjpeg", "+e1"),
    "big-endian": ("dcmconv", "+tb"),
    "implicit": ("dcmconv", "+ti"),
    "deflated": ("dcmconv", "+td"),
    "no-meta": ("dcmconv", "-F"),
}


def main() -> None:
    """Prints the table and writes the figures."""
    options = _options()
    if options.one:
        print(json.dumps(_run(options.one, options.cases)))
        return
    print(f"{'syntax':14} {'cases':>6} {'read':>6} {'refused':>8} {'slowest':>8} {'MB':>5}  found")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for path in _sources(pathlib.Path(folder), options):
            results.append(_in_a_process(path, options.cases))
            print(_line(results[-1]), flush=True)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))
    sys.exit(any(r["found"] for r in results))


def _line(r):
    return (
        f"{r['syntax']:14} {r['cases']:6} {r['read']:6} {r['refused']:8} "
        f"{r['slowest']:7.2f}s {r['megabytes']:5}  {r['found'] or 'nothing'}"
    )


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--source", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--one", type=pathlib.Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _sources(folder, options):
    source = folder / "raw.dcm"
    if options.source:
        shutil.copy(options.source, source)
    else:
        hu = np.random.default_rng(0).integers(-1000, 1000, (1, 64, 48), dtype=np.int16)
        shutil.copy(dicom.new_series(hu, (1, 1), 1, folder / "ct", seed=0)[0], source)
    yield source
    for name, syntax in COMPRESSED.items():
        dataset = pydicom.dcmread(source)
        dataset.compress(syntax)
        dataset.save_as(folder / f"{name}.dcm")
        yield folder / f"{name}.dcm"
    for name, (program, option) in CONVERTED.items():
        if shutil.which(program):
            subprocess.run([program, option, source, folder / f"{name}.dcm"], check=True)
            yield folder / f"{name}.dcm"


def _in_a_process(path, cases):
    command = [sys.executable, __file__, "--one", str(path), "--cases", str(cases)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 0:
        return json.loads(run.stdout.splitlines()[-1])
    case = path.with_suffix(".case").read_text()
    return _result(
        path, cases, collections.Counter(), 0.0, [f"crash {run.returncode} in case {case}"]
    )


def _run(path, cases):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    content, count, found, slowest = path.read_bytes(), collections.Counter(), [], 0.0
    for case in range(cases):
        path.with_suffix(".case").write_text(str(case))
        begun = time.perf_counter()
        try:
            _read_and_write(damage.damage(content, case), path.parent / "damaged", case)
            count["read"] += 1
        except errors.DicomError:
            count["refused"] += 1
        except Exception as error:  # what this script is for
            found.append(f"case {case}: {type(error).__name__}")
        took = time.perf_counter() - begun
        slowest = max(slowest, took)
        if took > SLOW:
            found.append(f"case {case}: {took:.0f} s")
    return _result(path, cases, count, slowest, found)


def _read_and_write(content, folder, case):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "damaged.dcm").write_bytes(content)
    series = dicom.read_series(folder / "damaged.dcm")
    if case % 4:
        return
    edited = {0: series.volume[0] // 2}
    choices = {"deidentified": case % 8 == 0, "burn_marker": case % 12 == 0}
    slices = dicom.write_series(series, edited, folder / "out", seed=case, **choices)
    masks = np.ones(series.volume.shape, np.uint8)
    dicom.write_segmentation(slices, masks, folder / "seg.dcm", case)
    dicom.read_slices(slices)


def _result(path, cases, count, slowest, found):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    figures = {"read": count["read"], "refused": count["refused"], "slowest": slowest}
    return {"syntax": path.stem, "cases": cases, **figures, "megabytes": peak, "found": found[:5]}


if __name__ == "__main__":
    main()
