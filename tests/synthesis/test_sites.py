import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import dicom, lungs
from ggngan_tf.synthesis import parenchyma, shapes, sites
from tests import conftest

SPACING = (1.0, 1.0)


def thorax(slices: int = 1, size: int = 200, seed: int = 0):
    """Two lungs of 70 x 120 mm in soft tissue, a vessel of 8 mm and a bronchus in each."""
    volume = np.full((slices, size, size), 40, np.int16)
    lung = np.zeros(volume.shape, np.uint8)
    for left in (20, 110):
        lung[:, 40:160, left : left + 70] = 1
    noise = np.random.default_rng(seed).normal(-860, 30, volume.shape)
    volume[lung == 1] = noise[lung == 1]
    for left in (20, 110):
        volume[:, 96:104, left : left + 70] = 40
        volume[:, 120:130, left + 30 : left + 40] = -1000
    return volume, lung


def find(count=4, seed=0, slices=1, **options):
    volume, lung = thorax(slices)
    spacing = 5.0 if slices > 1 else None
    random = np.random.default_rng(seed)
    return sites.find(volume, lung, SPACING, spacing, count, random, **options)


def under(volume, site):
    row, column = np.mgrid[: volume.shape[1], : volume.shape[2]]
    distance = np.hypot(row - site.row, column - site.column)
    return volume[site.slice][distance <= site.diameter_mm / 2]


def test_a_disc_of_eleven_pixels_fits_into_a_strip_of_sixteen_on_two_rows_only():
    # Rows 10 to 25 are lung. A disc of radius 5 keeps 2 mm off the first pixel outside: the
    # centre is 7 mm or more from rows 9 and 26, which rows 16 to 19 are.
    lung = np.zeros((40, 60), bool)
    lung[10:26, 5:55] = True
    hu = np.where(lung, -860, 40).astype(np.int16)
    studied = parenchyma.study(hu, lung, SPACING, 0.0)
    free = parenchyma.suitable(studied, 10.0, "avoid")
    assert np.flatnonzero(free.any(axis=1)).tolist() == [16, 17, 18, 19]


def test_each_site_covers_aerated_lung_alone():
    volume, _ = thorax()
    for site in find(8, diameters_mm=10.0):
        covered = under(volume, site)
        assert covered.min() > -1000 and covered.max() < -600


def test_the_same_seed_gives_the_same_sites_and_another_seed_others():
    assert find(6, seed=3, slices=9) == find(6, seed=3, slices=9) != find(6, seed=4, slices=9)


def test_four_sites_in_one_slice_take_the_four_quarters():
    zones = {site.zone for site in find(4, diameters_mm=8.0)}
    assert zones == {"right anterior", "right posterior", "left anterior", "left posterior"}


def test_six_sites_in_a_tall_volume_take_the_six_zones():
    found = find(6, slices=30, diameters_mm=8.0)
    assert len({site.zone for site in found}) == 6
    assert all(site.slice >= 20 for site in found if "upper" in site.zone)
    assert all(site.column < 100 for site in found if "right" in site.zone)


def test_nodules_keep_apart_in_the_plane_and_across_slices():
    found = find(12, slices=5, diameters_mm=8.0, gap_mm=10.0)
    places = np.array([(5.0 * site.slice, site.row, site.column) for site in found])
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert distances[np.triu_indices(len(found), 1)].min() >= 18.0


def test_sites_follow_the_order_of_the_diameters():
    found = find(3, diameters_mm=[6.0, 20.0, 9.0])
    assert [site.diameter_mm for site in found] == [6.0, 20.0, 9.0]


def test_a_nodule_sought_at_the_pleura_lies_at_the_chest_wall():
    for site in find(4, diameters_mm=8.0, pleura="seek"):
        wall = min(site.row - 39, 160 - site.row, site.column - 19, 180 - site.column)
        assert 4.5 <= wall <= 7.0


def test_the_chest_wall_is_costal_and_the_mediastinum_is_not():
    volume, lung = thorax()
    studied = parenchyma.study(volume[0], lung[0], SPACING, 99.5)
    rows, walls, mediastinum = slice(60, 140), [25, 174], [84, 115]
    assert studied.costal[rows, walls].all() and not studied.costal[rows, mediastinum].any()


def test_a_drawn_diameter_that_fits_nowhere_shrinks():
    volume, lung = thorax()
    lung[:, :, 36:] = 0  # a lung 16 mm wide
    for seed in range(8):
        random = np.random.default_rng(seed)
        (site,) = sites.find(volume, lung, SPACING, None, 1, random)
        assert 5.0 <= site.diameter_mm <= 13.0


def test_too_many_nodules_are_refused_with_the_number_that_fits():
    with pytest.raises(errors.SiteError, match=r"^(\d+) of 90 .* 20 mm; take \1"):
        find(90, diameters_mm=20.0)


def test_consolidated_lung_is_refused():
    volume, lung = thorax()
    with pytest.raises(errors.SiteError, match="0 of 1 nodules fit"):
        sites.find(np.full_like(volume, -200), lung, SPACING, None, 1, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count is 0"),
        ({"diameters_mm": [5.0, 6.0]}, "one for each of the 4 sites"),
        ({"diameters_mm": -1.0}, "one above 0 mm"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(errors.SiteError, match=message):
        find(**options)


def test_a_volume_without_lung_is_refused():
    volume, lung = thorax()
    with pytest.raises(errors.SiteError, match="no lung in 1 slices"):
        sites.find(volume, 0 * lung, SPACING, None, 1, np.random.default_rng(0))


# Fibrosis, consolidation beside emphysema, a noisy kernel, a thin crescent of lung.
@pytest.mark.parametrize("number", ["0042_AGE_0071", "0091_AGE_0072", "0029_AGE_0078", "0032"])
@pytest.mark.parametrize("pleura", ["avoid", "seek"])
def test_shapes_on_real_slices_cover_aerated_lung(number, pleura):
    folder = conftest.shared("ct/tcga")
    series = dicom.read_series(next(folder.glob(f"ID_{number}*.dcm")))
    hu, spacing = series.volume[0], series.pixel_spacing
    lung = lungs.extract(hu, spacing)
    random = np.random.default_rng(0)
    for site in sites.find(series.volume, lung[None], spacing, None, 2, random, pleura=pleura):
        mask = shapes.place(shapes.draw(site.diameter_mm, spacing, random), site, hu.shape)
        covered = hu[mask == 1]
        assert lung[mask == 1].all()
        assert -960 < np.median(covered) < -650
        assert (covered > -400).mean() < 0.1


def test_sites_in_a_real_stack_of_slices_follow_the_seed():
    series = dicom.read_series(conftest.shared("lidc/dicom/LIDC-IDRI-0003"))
    lung = lungs.extract_volume(series.volume, series.pixel_spacing, series.slice_spacing)

    def found(seed):
        random = np.random.default_rng(seed)
        return sites.find(
            series.volume, lung, series.pixel_spacing, series.slice_spacing, 3, random
        )

    assert found(7) == found(7) != found(8)
    assert len({site.zone for site in found(7)}) == 3
