"""Lung extraction: shapes drawn by hand, the phantom's known lungs, real slices and volumes."""

import numpy as np
import pydicom
import pytest

from ggngan_tf import errors
from ggngan_tf.data import lungs, phantom
from ggngan_tf.data.lungs import morphology
from tests.conftest import shared


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * np.sum(first & second) / (first.sum() + second.sum())


def disc(size: int, row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size]
    return (np.hypot(rows - row, columns - column) <= radius).astype(np.uint8)


def drawn_slice(size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """A round body with two round lungs, their texture, and the lungs that are known."""
    random = np.random.default_rng(0)
    hu = np.full((size, size), -1000.0)
    hu[disc(size, size / 2, size / 2, 0.45 * size) > 0] = 40
    lung = disc(size, size / 2, 0.3 * size, 0.15 * size) | disc(
        size, size / 2, 0.7 * size, 0.15 * size
    )
    hu[lung > 0] = -850
    hu += random.normal(0, 25, hu.shape)
    return hu.astype(np.int16), lung


@pytest.fixture(scope="module")
def thorax() -> phantom.Phantom:
    return phantom.make(11, slices=12, nodules=4)


def test_a_notch_narrower_than_the_disc_is_closed_and_a_wider_one_is_not():
    mask = np.zeros((60, 60), np.uint8)
    mask[10:50, 10:50] = 1
    mask[10:30, 20:24] = 0  # 4 pixels wide
    mask[10:30, 30:44] = 0  # 14 pixels wide
    closed = morphology.close(mask, 4.0)
    assert closed[15, 22] == 1 and closed[15, 37] == 0


def test_closing_at_the_border_adds_nothing_beyond_the_shape():
    mask = np.zeros((40, 40), np.uint8)
    mask[:20] = 1
    assert np.array_equal(morphology.close(mask, 6.0), mask)


def test_a_fill_from_outside_stops_at_the_barrier():
    ring = disc(41, 20, 20, 15) - disc(41, 20, 20, 12)
    outside = morphology.outside(ring)
    assert outside[0, 0] == 1 and outside[20, 20] == 0 and outside[ring > 0].sum() == 0
    assert morphology.holes(ring).areas.tolist() == [int(disc(41, 20, 20, 12).sum())]


def test_a_notch_is_told_by_its_width_depth_and_the_way_it_opens():
    mask = np.zeros((60, 60), np.uint8)
    mask[20:50, 10:50] = 1
    mask[20:32, 25:35] = 0
    ((notch, (normal, mouth), width, depth),) = morphology.notches(mask)
    assert notch.sum() == 120
    assert normal == pytest.approx([-1, 0], abs=0.05)
    assert mouth[1] == pytest.approx(29.5, abs=0.6)
    assert width == pytest.approx(10, abs=2) and depth == pytest.approx(12, abs=1)


def test_the_brightest_path_follows_a_line():
    image = np.zeros((20, 15))
    line = 7 + np.round(3 * np.sin(np.arange(20) / 4)).astype(int)
    image[np.arange(20), line] = 1
    assert morphology.brightest_path(image).tolist() == line.tolist()


def test_round_lungs_are_found_to_the_pixel():
    hu, lung = drawn_slice()
    assert dice(lungs.extract(hu, (1.4, 1.4)), lung) > 0.99


def test_a_nodule_at_the_pleura_and_a_vessel_in_the_lung_stay_inside():
    hu, lung = drawn_slice()
    nodule = disc(256, 128, 0.3 * 256 - 33, 6) & lung  # on the costal side, 17 mm across
    vessel = disc(256, 128, 0.7 * 256, 4)
    hu[(nodule | vessel) > 0] = 40
    found = lungs.extract(hu, (1.4, 1.4))
    assert found[nodule > 0].mean() > 0.97 and found[vessel > 0].all()


def test_trachea_and_stomach_gas_are_no_lung():
    hu, lung = drawn_slice()
    trachea, stomach = disc(256, 100, 128, 6), disc(256, 190, 128, 15)
    hu[(trachea | stomach) > 0] = -1000
    found = lungs.extract(hu, (1.4, 1.4))
    assert not found[(trachea | stomach) > 0].any()
    assert dice(found, lung) > 0.99


def test_the_hollow_of_a_table_is_no_lung():
    hu, lung = drawn_slice()
    hu[244:252, 40:216], hu[246:250, 42:214] = 100, -900
    assert dice(lungs.extract(hu, (1.4, 1.4)), lung) > 0.99


def test_a_lung_cut_off_by_the_field_of_view_is_kept():
    hu, lung = drawn_slice()
    cut = slice(30, 226), slice(60, 226)  # the left edge runs through a lung
    found = lungs.extract(np.ascontiguousarray(hu[cut]), (1.4, 1.4))
    assert dice(found, lung[cut]) > 0.97


@pytest.mark.parametrize("padding", [-2048, -1024])
def test_a_lung_cut_off_by_the_reconstructed_circle_is_kept(padding):
    hu, lung = drawn_slice()
    circle = disc(256, 128, 150, 100)  # its left edge runs through a lung
    hu = np.where(circle, np.maximum(hu, -1024), padding).astype(np.int16)
    assert dice(lungs.extract(hu, (1.4, 1.4)), lung & circle) > 0.97


def test_padding_outside_the_circle_changes_nothing():
    hu, lung = drawn_slice()
    hu[disc(256, 128, 128, 127) == 0] = -2048
    assert dice(lungs.extract(hu, (1.4, 1.4)), lung) > 0.99


@pytest.mark.parametrize("size", [256, 512, 1024])
def test_slices_of_any_size_give_the_phantoms_lungs(size):
    scan = phantom.make(3, rows=size, columns=size, slices=1, nodules=1)
    found = lungs.extract(scan.volume[0], scan.pixel_spacing)
    assert found.dtype == np.uint8 and found.shape == (size, size)
    assert dice(found, scan.lung[0]) >= 0.97


def test_every_phantom_slice_has_a_dice_of_97_percent_and_all_nodules(thorax):
    for hu, lung, labels in zip(thorax.volume, thorax.lung, thorax.labels, strict=True):
        found = lungs.extract(hu, thorax.pixel_spacing)
        assert dice(found, lung) >= 0.97
        assert np.mean(found[labels > 0]) > 0.98 if labels.any() else True


def test_the_phantom_volume_has_a_dice_of_97_percent_and_all_nodules(thorax):
    found = lungs.extract_volume(thorax.volume, thorax.pixel_spacing, thorax.slice_spacing)
    assert found.dtype == np.uint8 and found.shape == thorax.volume.shape
    assert dice(found, thorax.lung) >= 0.97
    for nodule in thorax.nodules:
        assert found[thorax.labels == nodule.label].mean() > 0.98


def test_a_volume_with_abdomen_and_neck_leaves_gas_and_airway_out():
    whole = phantom.make(2, rows=160, columns=160, slices=112, nodules=0)
    found = lungs.extract_volume(whole.volume, whole.pixel_spacing, whole.slice_spacing)
    assert dice(found, whole.lung) >= 0.97
    upside_down = lungs.extract_volume(whole.volume[::-1], whole.pixel_spacing, 2.5)[::-1]
    assert dice(upside_down, whole.lung) >= 0.97


def test_slices_without_lung_are_zeros_in_a_volume(thorax):
    shoulder = np.full((2, 512, 512), -1000, np.int16)
    shoulder[:, 150:400, 50:460] = 40
    volume = np.concatenate([thorax.volume, shoulder])
    found = lungs.extract_volume(volume, thorax.pixel_spacing, thorax.slice_spacing)
    assert not found[-2:].any() and found[:-2].any(axis=(1, 2)).all()


@pytest.mark.parametrize(
    ("hu", "reason"),
    [
        (np.full((256, 256), -1000, np.int16), "no lung in this slice"),
        (np.full((256, 256), 40, np.int16), "no lung in this slice"),
        (np.zeros((256, 256), np.float32), "needed is int16"),
        (np.zeros((3, 256, 256), np.int16), "needed is int16"),
        (np.zeros((16, 16), np.int16), "64 pixels"),
    ],
)
def test_a_slice_without_lung_or_of_another_kind_is_refused(hu, reason):
    with pytest.raises(errors.LungError, match=reason):
        lungs.extract(hu)


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        (np.full((3, 128, 128), 40, np.int16), "no lung in a volume of 3 slices"),
        (np.zeros((0, 128, 128), np.int16), "one slice or more"),
        (np.zeros((128, 128), np.int16), "needed is .slice, row, column."),
        (np.zeros((3, 128, 128), np.float32), "needed is int16"),
    ],
)
def test_a_volume_without_lung_or_of_another_kind_is_refused(volume, reason):
    with pytest.raises(errors.LungError, match=reason):
        lungs.extract_volume(volume, (0.7, 0.7), 2.5)


def read_series(folder):
    slices = [pydicom.dcmread(path) for path in folder.rglob("*.dcm")]
    slices = [d for d in slices if d.Modality == "CT"]
    slices.sort(key=lambda d: float(d.ImagePositionPatient[2]))
    hu = np.stack([d.pixel_array * d.RescaleSlope + d.RescaleIntercept for d in slices])
    return hu.astype(np.int16), slices


def test_lungs_are_found_in_every_real_slice_of_many_scanners():
    paths = sorted(shared("ct/tcga").glob("*.dcm"))
    assert len(paths) == 51
    for path in paths[::3]:
        dataset = pydicom.dcmread(path)
        hu = dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept
        hu = np.clip(hu, -3000, 3071).astype(np.int16)
        found = lungs.extract(hu, tuple(map(float, dataset.PixelSpacing)))
        square_cm = found.sum() * np.prod(dataset.PixelSpacing) / 100
        assert 60 < square_cm < 600, path.name
        assert -950 < np.median(hu[found > 0]) < -600, path.name


@pytest.mark.parametrize("patient", ["LIDC-IDRI-0001", "LIDC-IDRI-0003"])
def test_real_nodules_lie_in_the_lungs(patient, lidc):
    volume, slices = read_series(shared(f"lidc/dicom/{patient}"))
    names = [d.SOPInstanceUID for d in slices]
    spacing = tuple(map(float, slices[0].PixelSpacing))
    rows = [i for i in np.flatnonzero(lidc.patient_id == patient) if lidc.sop_uid[i] in names]
    assert rows
    near = slice(max(names.index(lidc.sop_uid[rows[0]]) - 8, 0), None)
    found = lungs.extract_volume(volume[near][:16], spacing, 2.5)
    for row in rows:
        index = names.index(lidc.sop_uid[row])
        places = tuple((np.argwhere(lidc.mask[row]) + lidc.slice_origin[row]).T)
        assert lungs.extract(volume[index], spacing)[places].mean() > 0.97
        if index - near.start < len(found):
            assert found[index - near.start][places].mean() > 0.97
