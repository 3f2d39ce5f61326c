"""Thousands of damaged files: each is read, or refused with a clear error, in bounded time."""

import pathlib

import hypothesis
import numpy as np
import pydicom
import pytest
from hypothesis import strategies
from pydicom import uid

from ggngan_tf import errors
from ggngan_tf.data import dicom
from tests import conftest
from tests.data.dicom import damage, synthetic

SYNTAXES = {
    "raw": uid.ExplicitVRLittleEndian,
    "rle": uid.RLELossless,
    "jpeg2000": uid.JPEG2000Lossless,
    "jpegls": uid.JPEGLSLossless,
}
pytestmark = pytest.mark.timeout(600)
SEEDS = strategies.integers(0, 2**32 - 1)


def settings(cases: int):
    """Returns settings that draw the same cases in each run."""
    return hypothesis.settings(
        max_examples=cases,
        deadline=None,  # a loaded machine is no hang; the mark above ends one
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )


@pytest.fixture(scope="module", params=SYNTAXES)
def whole(request, tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("damage") / "ct"
    path = synthetic.series(folder, synthetic.volume(1, 64, 48))[0]
    if request.param != "raw":
        dataset = pydicom.dcmread(path)
        dataset.compress(SYNTAXES[request.param])
        dataset.save_as(path)
    return path


@pytest.fixture(scope="module")
def real() -> pathlib.Path:
    return min(conftest.shared("lidc/dicom/LIDC-IDRI-0003").rglob("*.dcm"))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> pathlib.Path:
    return tmp_path_factory.mktemp("damaged") / "damaged.dcm"


def read_or_refuse(content: bytes, path: pathlib.Path) -> dicom.Series | None:
    path.write_bytes(content)
    try:
        series = dicom.read_series(path)
    except errors.DicomError as error:
        message = str(error)
        assert message.startswith(str(path)) and "\n" not in message and len(message) < 700
        return None
    assert series.volume.dtype == np.int16 and len(series.volume) == 1
    assert series.volume.min() >= dicom.LOWEST and series.volume.max() <= dicom.HIGHEST
    return series


@settings(600)
@hypothesis.given(seed=SEEDS)
def test_a_damaged_file_is_read_or_refused(whole, place, seed):
    read_or_refuse(damage.damage(whole.read_bytes(), seed), place)


@settings(300)
@hypothesis.given(seed=SEEDS)
def test_a_damaged_real_scan_is_read_or_refused(real, place, seed):
    read_or_refuse(damage.damage(real.read_bytes(), seed), place)


@settings(300)
@hypothesis.given(start=strategies.binary(max_size=300), preamble=strategies.booleans())
def test_bytes_that_only_start_like_dicom_are_refused(place, start, preamble):
    content = bytes(128) + b"DICM" + start if preamble else b"\x08\x00" + start
    assert read_or_refuse(content, place) is None


@settings(100)
@hypothesis.given(seed=SEEDS)
def test_what_was_read_of_a_damaged_file_is_written_or_refused(whole, place, seed):
    series = read_or_refuse(damage.damage(whole.read_bytes(), seed), place)
    if series is None:
        return
    out = place.with_name("out")
    try:
        options = {"deidentified": seed % 2 == 0, "burn_marker": seed % 3 == 0}
        slices = dicom.write_series(series, {}, out, seed=0, force=True, **options)
        masks = np.ones(series.volume.shape, np.uint8)
        dicom.write_segmentation(slices, masks, place.with_name("seg.dcm"), 0, force=True)
    except errors.DicomError:
        return
    if not options["burn_marker"]:
        np.testing.assert_array_equal(dicom.read_slices(slices).volume, series.volume)


def test_the_accidents_leave_some_files_readable_and_spoil_others(whole, place):
    found = [read_or_refuse(damage.damage(whole.read_bytes(), seed), place) for seed in range(60)]
    readable = sum(series is not None for series in found)
    assert 3 <= readable <= 40
