"""What other people's programs say to our files: dciodvfy, DCMTK and an Orthanc server."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import numpy as np
import pydicom
import pytest

from ggngan_tf.data import dicom
from tests import conftest
from tests.data.dicom import synthetic

# Debian's dciodvfy is of 2022; the attribute Synthetic Data entered the standard later.
YOUNGER_THAN_THE_VALIDATOR = "not a recognized standard attribute - (0x0008,0x001c)"


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here (Debian: {package})")
    return found


def complaints(path) -> list[str]:
    run = subprocess.run(
        [program("dciodvfy", "dicom3tools"), path], capture_output=True, text=True, errors="replace"
    )
    lines = (run.stdout + run.stderr).splitlines()
    assert any(line in ("CTImage", "Segmentation") for line in lines), lines
    return [line for line in lines if "Error" in line and YOUNGER_THAN_THE_VALIDATOR not in line]


def generated(source: dicom.Series, folder, **options):
    """Returns the files of a derived series and of its segmentation."""
    index = len(source) // 2
    hu, masks = source.volume[index].copy(), np.zeros(source.volume.shape, np.uint8)
    hu[8:14, 10:18], masks[index, 8:14, 10:18] = -450, 1
    slices = dicom.write_series(source, {index: hu}, folder / "series", seed=7, **options)
    return [*slices, dicom.write_segmentation(slices, masks, folder / "seg.dcm", 7)]


@pytest.fixture
def phantom(tmp_path):
    return synthetic.series(tmp_path / "ct")


def test_a_phantom_series_has_no_errors(phantom):
    for path in phantom:
        assert complaints(path) == []


@pytest.mark.parametrize("options", [{}, {"deidentified": True, "burn_marker": True}])
def test_a_derived_series_and_its_segmentation_have_no_errors(phantom, tmp_path, options):
    source = dicom.read_series(tmp_path / "ct")
    for path in generated(source, tmp_path / "out", **options):
        assert complaints(path) == []


@pytest.mark.parametrize("place", ["lidc/dicom/LIDC-IDRI-0003", "ct/tcga"])
def test_what_is_derived_from_real_scans_has_no_errors_though_they_have(tmp_path, place):
    folder = conftest.shared(place)
    sources = [folder] if "lidc" in place else sorted(folder.glob("*.dcm"))[::5]
    for number, path in enumerate(sources):
        for written in generated(dicom.read_series(path), tmp_path / str(number)):
            assert complaints(written) == []


def test_an_orthanc_server_takes_a_series_and_its_segmentation_and_gives_them_back(
    phantom, tmp_path
):
    files = generated(dicom.read_series(tmp_path / "ct"), tmp_path / "out")
    send = program("storescu", "dcmtk")
    with orthanc(tmp_path) as (http, port):
        subprocess.run([send, "-R", "localhost", port, *files], check=True, capture_output=True)
        instances = ask(f"{http}/instances")
        assert len(instances) == len(files) == 5
        kinds = {
            ask(f"{http}/series/{s}")["MainDicomTags"]["Modality"] for s in ask(f"{http}/series")
        }
        assert kinds == {"CT", "SEG"}
        assert len(ask(f"{http}/studies")) == 1  # both belong to one study of one patient
        for instance in instances:
            (tmp_path / "back").mkdir(exist_ok=True)
            (tmp_path / "back" / instance).write_bytes(fetch(f"{http}/instances/{instance}/file"))
    sent = {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, files)}
    for path in (tmp_path / "back").iterdir():
        returned = pydicom.dcmread(path)
        assert returned == sent.pop(returned.SOPInstanceUID)
    assert not sent


@contextlib.contextmanager
def orthanc(folder):
    """Runs a server on two free ports of this machine; gives its address and its DICOM port."""
    server = program("Orthanc", "orthanc")
    http, port = free_port(), free_port()
    settings = {"StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db")}
    settings |= {"HttpPort": http, "DicomPort": port, "RemoteAccessAllowed": False}
    settings |= {"AuthenticationEnabled": False, "Plugins": []}
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("w") as log:
        running = subprocess.Popen([server, folder / "orthanc.json"], stdout=log, stderr=log)
    try:
        wait(f"http://localhost:{http}/system", running)
        yield f"http://localhost:{http}", str(port)
    finally:
        running.terminate()
        running.wait(timeout=20)


def wait(address, running):
    for _ in range(600):
        assert running.poll() is None, "Orthanc ended at once; see orthanc.log"
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return fetch(address)
        time.sleep(0.1)
    raise AssertionError("Orthanc did not answer")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def fetch(address) -> bytes:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.read()


def ask(address):
    return json.loads(fetch(address))
