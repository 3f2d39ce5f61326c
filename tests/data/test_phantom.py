"""The drawn thorax: its anatomy, its nodules, its noise, and what is written of it."""

import numpy as np
import pydicom
import pytest
from scipy import ndimage

from ggngan_tf import errors
from ggngan_tf.data import nodules, phantom
from ggngan_tf.data.phantom import lesions, scanner, shapes, vessels


@pytest.fixture(scope="module")
def drawn() -> phantom.Phantom:
    return phantom.make(4, slices=12, nodules=3)


def test_the_distance_to_a_rod_is_that_worked_out_by_hand():
    rod = ((0, 0, 0), (10, 0, 0), 2.0, 1.0)
    assert shapes.capsule(5.0, 4.0, 0.0, *rod) == pytest.approx(4.0 - 1.5)
    assert shapes.capsule(14.0, 0.0, 3.0, *rod) == pytest.approx(5.0 - 1.0)
    assert shapes.capsule(0.0, 0.0, 0.0, *rod) == pytest.approx(-2.0)


def test_a_superellipse_of_power_two_is_an_ellipse():
    radius = shapes.superellipse(120, 80, 90, (2, 2), np.zeros((0, 2)))
    quarter = len(radius) // 4
    assert radius[[0, quarter, 3 * quarter]] == pytest.approx([120, 90, 80])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    sizes = dict(rows=128, columns=128, slices=4, nodules=1)
    first, again, other = (phantom.make(seed, **sizes) for seed in (7, 7, 8))
    assert first.volume.tobytes() == again.volume.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    assert first.nodules == again.nodules
    assert first.volume.tobytes() != other.volume.tobytes()


def test_tissues_have_the_hounsfield_units_of_textbooks(drawn):
    volume, lung = drawn.volume, drawn.lung > 0
    assert volume.dtype == np.int16 and volume.shape == (12, 512, 512)
    assert -900 < np.median(volume[lung]) < -830
    assert np.median(volume[:, :20, :20]) == pytest.approx(-1000, abs=15)
    inside = ndimage.binary_fill_holes(volume[6] > -300)
    inside = ndimage.binary_erosion(inside & (volume[6] > -300), iterations=3)
    shares = np.histogram(volume[6][inside], [-300, -50, 150, 3000])[0] / inside.sum()
    assert np.all(shares > 0.05), "fat, soft tissue and bone are all there"


def test_the_dependent_lung_is_denser(drawn):
    rows = np.arange(512)[:, None]
    front, back = (
        np.median(drawn.volume[:, half][drawn.lung[:, half] > 0])
        for half in (rows[:, 0] < 200, rows[:, 0] > 300)
    )
    assert 10 < back - front < 120


def test_a_trachea_or_its_bronchi_are_open_around_the_carina_outside_the_lung(drawn):
    middle = (slice(200, 300), slice(180, 330))
    for hu, lung in zip(drawn.volume[6:], drawn.lung[6:], strict=True):
        gas = ndimage.gaussian_filter(hu.astype(float), 1.0)[middle] < -960
        assert np.sum(gas & (lung[middle] == 0)) > 20


def test_nodules_have_the_size_and_density_that_are_said(drawn):
    voxel = drawn.slice_spacing * np.prod(drawn.pixel_spacing)
    assert len(drawn.nodules) == 3
    for nodule in drawn.nodules:
        pixels = drawn.labels == nodule.label
        assert drawn.volume[pixels].mean() == pytest.approx(nodule.hu, abs=15)
        assert lesions.DENSITIES[0] <= nodule.hu <= lesions.DENSITIES[1]
        assert 6 <= nodule.diameter <= 20
        measured = (6 * pixels.sum() * voxel / np.pi) ** (1 / 3)
        if nodule.attached != "pleura":
            assert measured == pytest.approx(nodule.diameter, rel=0.08)
        assert measured < nodule.diameter * 1.08
        middle = np.argwhere(pixels).mean(axis=0)
        spacing = np.array([drawn.slice_spacing, *drawn.pixel_spacing])
        assert np.linalg.norm((middle - nodule.centre) * spacing) < 0.35 * nodule.diameter


def test_nodules_lie_in_the_lung_and_touch_what_is_said(drawn):
    assert np.all(drawn.lung[drawn.labels > 0] == 1)
    assert [n.attached for n in drawn.nodules] == ["none", "pleura", "vessel"]
    pleural = drawn.labels == 2
    grown = ndimage.binary_dilation(pleural, iterations=2)
    assert np.any(grown & (drawn.lung == 0))
    free = ndimage.binary_dilation(drawn.labels == 1, iterations=2)
    assert np.all(drawn.lung[free] == 1)


def test_the_noise_is_band_passed_as_by_a_ramp_filter():
    noise = scanner.noise((3, 128, 128), 0.7, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1.0, abs=1e-3)
    power = np.abs(np.fft.fft2(noise[1])) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128, 0.7), np.fft.fftfreq(128, 0.7)))
    low, middle, high = (
        power[(frequency > a) & (frequency < b)].mean()
        for a, b in ((0.0, 0.03), (0.15, 0.30), (0.60, 0.70))
    )
    assert middle > 3 * low and middle > 3 * high


def test_vessels_taper_to_the_periphery():
    trees = vessels.grow(phantom.anatomy.person(1), 1)
    for tree in (trees["artery"], trees["vein"]):
        assert np.all(tree.radius[:, 1] <= tree.radius[:, 0])
        assert tree.radius.max() > 8 * tree.radius.min()


def test_a_whole_thorax_has_diaphragm_and_apices():
    whole = phantom.make(2, rows=128, columns=128, slices=116, nodules=2)
    area = whole.lung.sum(axis=(1, 2))
    assert area[0] < 0.4 * area.max() and area[-1] < 0.4 * area.max()
    litres = whole.lung.sum() * whole.slice_spacing * np.prod(whole.pixel_spacing) / 1e6
    assert 3 < litres < 7


def test_too_many_nodules_for_the_lung_are_refused():
    with pytest.raises(errors.LungError, match="no room for another nodule"):
        phantom.make(0, rows=64, columns=64, slices=3, nodules=200)


def test_the_nodule_set_has_each_nodule_on_its_largest_slice(drawn, tmp_path):
    found = phantom.nodule_set(drawn)
    nodules.write(found, tmp_path / "set.h5")
    again = nodules.read(tmp_path / "set.h5")
    assert again.image.shape == (3, 512, 512)
    assert len(again.select("mean")) == 3
    for row, nodule in enumerate(drawn.nodules):
        areas = (drawn.labels == nodule.label).sum(axis=(1, 2))
        assert again.mask[row].sum() == areas.max()
        assert np.all(again.lung[row][again.mask[row] > 0] == 1)
        assert abs(again.roi_centre[row] - np.array(nodule.centre[1:])).max() < 6
    assert again.patients().tolist() == ["PHANTOM-4"] * 3


def test_the_written_series_is_the_volume_and_says_that_it_is_a_phantom(tmp_path):
    small = phantom.make(1, rows=64, columns=64, slices=3, nodules=0)
    paths = phantom.write(small, tmp_path / "scan", seed=1)
    slices = [pydicom.dcmread(path) for path in paths]
    read = np.stack([d.pixel_array * d.RescaleSlope + d.RescaleIntercept for d in slices])
    assert np.array_equal(read, small.volume)
    heights = [float(d.ImagePositionPatient[2]) for d in slices]
    assert np.diff(heights) == pytest.approx([2.5, 2.5])
    for word in (slices[0].PatientName, slices[0].PatientID, slices[0].SeriesDescription):
        assert "phantom" in str(word).lower()
    assert slices[0].PixelSpacing == pytest.approx(small.pixel_spacing)


def test_writing_over_a_folder_needs_force(tmp_path):
    small = phantom.make(1, rows=64, columns=64, slices=2, nodules=0)
    phantom.write(small, tmp_path / "scan", seed=1)
    with pytest.raises(errors.OutputError, match="exists already"):
        phantom.write(small, tmp_path / "scan", seed=1)
    phantom.write(small, tmp_path / "scan", seed=1, force=True)


def test_no_nodules_make_no_set():
    with pytest.raises(errors.NoduleSetError, match="has no nodule"):
        phantom.nodule_set(phantom.make(1, rows=64, columns=64, slices=2, nodules=0))
