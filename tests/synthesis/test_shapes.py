import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.synthesis import shapes, sites

SQUARE = np.array([(-2.5, -2.5), (-2.5, 2.5), (2.5, 2.5), (2.5, -2.5)])


def random(seed=0):
    return np.random.default_rng(seed)


def across(mask, spacing):
    return shapes.diameter(np.argwhere(mask) * spacing)


def test_a_square_of_five_mm_holds_five_by_five_pixel_centres_of_one_mm():
    np.testing.assert_array_equal(shapes.rasterise(SQUARE, (1.0, 1.0)), np.ones((5, 5)))


def test_a_square_of_five_mm_holds_three_by_five_pixel_centres_of_two_by_one_mm():
    np.testing.assert_array_equal(shapes.rasterise(SQUARE, (2.0, 1.0)), np.ones((3, 5)))


def test_a_square_fills_two_out_of_pi_of_its_circle():
    assert shapes.fill(SQUARE) == pytest.approx(2 / np.pi)


def test_slivers_among_the_real_outlines_are_left_out():
    for seed in range(20):
        mask = shapes.draw(20.0, (0.25, 0.25), random(seed), deformation=0.0)
        assert mask.sum() * 0.25**2 > 0.4 * np.pi * 10**2


def test_of_two_squares_on_a_bar_between_the_pixel_centres_the_larger_is_kept():
    left = [(0.4, -4.5), (2.5, -4.5), (2.5, -9.5), (-2.5, -9.5), (-2.5, -4.5), (0.2, -4.5)]
    right = [(0.2, 6.5), (-2.5, 6.5), (-2.5, 9.5), (2.5, 9.5), (2.5, 6.5), (0.4, 6.5)]
    mask = shapes.rasterise(np.array(left + right), (1.0, 1.0))
    assert mask.shape == (5, 19)
    assert mask.sum() == mask[:, :5].sum() == 25


@pytest.mark.parametrize("diameter", [5.0, 8.0, 14.0, 30.0])
@pytest.mark.parametrize("spacing", [(0.5, 0.5), (0.98, 0.7)])
def test_a_shape_is_as_wide_as_asked_for_to_within_two_pixels(diameter, spacing):
    for seed in range(10):
        mask = shapes.draw(diameter, spacing, random(seed))
        assert diameter - 2 * max(spacing) <= across(mask, spacing) <= diameter


def test_a_shape_is_odd_sized_tight_and_in_one_piece():
    for seed in range(20):
        mask = shapes.draw(None, (0.7, 0.7), random(seed))
        assert mask.dtype == np.uint8 and mask.shape[0] % 2 == mask.shape[1] % 2 == 1
        assert mask[[0, -1]].any() and mask[:, [0, -1]].any()


def test_the_same_seed_draws_the_same_shape_and_another_seed_another():
    first, again, other = (shapes.draw(15.0, (0.7, 0.7), random(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_diameters_follow_the_real_ones():
    drawn = shapes.diameters(2000, random())
    assert drawn.min() >= 5.0 and drawn.max() <= 30.0
    assert 7.0 < np.median(drawn) < 13.0 and (drawn > 20).mean() < 0.2


def test_diameters_of_an_empty_range_are_refused():
    with pytest.raises(errors.SiteError, match="measures 40 to 50 mm"):
        shapes.diameters(1, random(), smallest=40, largest=50)


def test_a_users_masks_serve_as_templates(small_set):
    templates = shapes.templates(small_set)
    mask = shapes.draw(None, (0.7, 0.7), random(), templates=templates[:1], deformation=0.0)
    assert int(mask.sum()) == pytest.approx(int(small_set.mask[0].sum()), rel=0.1)


def test_a_placed_shape_is_centred_on_its_site():
    site = sites.Site(slice=0, row=10, column=20, diameter_mm=5.0)
    placed = shapes.place(np.ones((3, 5), np.uint8), site, (30, 40))
    assert placed.sum() == 15
    assert placed[9:12, 18:23].all()


def test_a_shape_over_the_border_is_refused():
    site = sites.Site(slice=4, row=1, column=20, diameter_mm=5.0)
    with pytest.raises(errors.SiteError, match=r"slice 4, row 1, column 20: .* over the bor"):
        shapes.place(np.ones((5, 5), np.uint8), site, (30, 40))


def test_a_shape_is_cut_at_the_lung_and_refused_where_less_than_half_is_left():
    lung = np.zeros((30, 40), np.uint8)
    lung[:, 20:] = 1
    mask = np.ones((5, 5), np.uint8)
    kept = shapes.place(mask, sites.Site(slice=0, row=9, column=20, diameter_mm=5), (30, 40), lung)
    assert kept.sum() == 15
    with pytest.raises(errors.SiteError, match="10 of the shape's 25 pixels"):
        shapes.place(mask, sites.Site(slice=0, row=9, column=19, diameter_mm=5), (30, 40), lung)


@pytest.mark.parametrize("diameter", [0.0, -3.0, float("nan")])
def test_a_diameter_that_is_none_is_refused(diameter):
    with pytest.raises(errors.SiteError, match="diameter_mm"):
        shapes.draw(diameter, (0.7, 0.7), random())


def test_a_spacing_of_zero_is_refused():
    with pytest.raises(errors.SiteError, match="pixel spacing"):
        shapes.draw(5.0, (0.7, 0.0), random())
