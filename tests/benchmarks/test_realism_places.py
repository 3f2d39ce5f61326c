import types

import numpy as np
import pandas as pd
import pytest
import realism_control
import realism_models
import realism_places
import sklearn.tree
from scipy import ndimage

from tests import conftest


def place(row, column, size=80):
    mask = np.zeros((size, size), np.uint8)
    mask[row - 1 : row + 2, column - 1 : column + 2] = 1
    image = np.arange(size * size, dtype=np.int16).reshape(size, size)
    return realism_places.Place(image, mask, row, column, (0.7, 0.7), "P", size > 71)


def test_a_window_in_the_middle_is_seen_whole_with_its_place_in_the_middle():
    found = place(40, 38)
    assert found.window(found.hu).shape == (71, 71)
    assert found.window(found.hu)[35, 35] == 40 * 80 + 38
    assert found.seen().all() and found.shape().sum() == 9
    assert found.shape()[34:37, 34:37].all()


def test_a_window_at_the_edge_repeats_it_and_says_so():
    found = place(20, 40)
    assert not found.seen()[:15].any() and found.seen()[15:].all()
    np.testing.assert_array_equal(found.window(found.hu)[0], found.window(found.hu)[15])


@pytest.fixture(scope="module")
def painted_places():
    nodules = conftest.make_set(rows=6, size=71)
    random = np.random.default_rng(0)
    air = random.normal(-850, 20, (300, 300)).astype(np.int16)
    lung = np.ones(air.shape, bool)
    slices = [realism_places.Background(air, lung, (0.7, 0.7), "slice", 36)]
    patches = realism_places.of_patches(nodules)
    training = conftest.make_set(rows=5, seed=3)
    return nodules, realism_places.draw(patches, slices, training, 10, 0)


def test_shapes_lie_in_lung_away_from_the_patch_s_own_nodule_and_its_edge(painted_places):
    nodules, found = painted_places
    assert len(found) == 10 and any(p.whole for p in found)
    for one in found:
        if one.whole:
            continue
        own = nodules.mask[list(nodules.patients()).index(one.patient)]
        assert not np.any(ndimage.binary_dilation(own > 0, iterations=4) & (one.mask > 0))
        assert 16 <= one.row < 55 and 16 <= one.column < 55


def test_a_shape_too_large_for_any_patch_goes_to_a_slice():
    nodules = conftest.make_set(rows=3, size=71)
    air = np.full((300, 300), -850, np.int16)
    slices = [realism_places.Background(air, air < 0, (0.7, 0.7), "slice", 36)]
    patches = realism_places.of_patches(nodules)
    asked = np.full(2, 25.0)  # 36 of 71 pixels, which the patch's own nodule parts in two
    found = realism_places.draw(patches, slices, nodules, 2, 0, asked)
    assert [p.whole for p in found] == [True, True]


def test_the_same_seed_gives_the_same_places(painted_places):
    ground = painted_places[1][0]
    slices = [realism_places.Background(ground.hu, ground.hu < -500, (0.7, 0.7), "s", 36)]
    training = conftest.make_set(rows=5, seed=3)
    first, again, other = (realism_places.draw([], slices, training, 2, seed) for seed in (0, 0, 1))
    assert [(p.row, p.column) for p in first] == [(p.row, p.column) for p in again]
    assert [(p.row, p.column) for p in first] != [(p.row, p.column) for p in other]


def model(paint, *signatures):
    return types.SimpleNamespace(paint=paint, signatures=dict.fromkeys(signatures))


def test_images_of_several_sizes_come_back_in_order_with_what_was_asked_and_nan_elsewhere():
    def paint(image, mask, lung, seeds, asked):
        assert asked.shape == (len(image), 9) and np.isnan(np.delete(asked, 2, axis=1)).all()
        return np.where(mask, asked[:, 2, None, None], image).astype(np.int16), mask

    assert realism_models.conditions_of(model(paint, "conditioned"))[2] == "density"
    images = [np.zeros((size, size), np.int16) for size in (5, 7, 5)]
    masks = [np.ones((size, size), np.uint8) for size in (5, 7, 5)]
    asked = {"density": np.array([-600.0, -500.0, -400.0])}
    made = realism_models.paint(model(paint, "conditioned"), images, masks, 0, asked)
    assert [one.shape[0] for one in made] == [5, 7, 5]
    assert [one.max() for one in made] == [-600, -500, -400]


def test_a_model_without_conditions_is_asked_for_nothing():
    def paint(image, mask, lung, seeds):
        return image + 1, mask

    image = np.zeros((2, 5, 5), np.int16)
    assert realism_models.conditions_of(model(paint)) == []
    made = realism_models.paint(model(paint), image, image, 0)
    np.testing.assert_array_equal(made, np.ones((2, 5, 5)))


def test_the_diameter_of_a_disc_is_measured_in_the_picture_and_not_in_the_mask():
    row, column = np.mgrid[:71, :71] - 35
    radius = np.hypot(row, column)
    shown, asked = radius <= 10.3, radius <= 8.3
    image = np.where(shown, -500, -850)[None]
    own, measured = realism_control.diameters(image, asked[None], np.array([[0.5, 0.5]]))
    assert own[0] == pytest.approx((2 * np.hypot(8, 2) + 1) / 2)  # from (-8, -2) to (8, 2)
    assert measured[0] == pytest.approx((2 * np.hypot(10, 2) + 1) / 2, abs=0.6)


def test_a_reader_learns_a_rating_that_the_features_show_and_says_how_well(monkeypatch):
    quick = sklearn.tree.DecisionTreeRegressor(min_samples_leaf=5, random_state=0)
    monkeypatch.setattr(realism_control, "_regression", lambda: quick)
    random = np.random.default_rng(0)
    ratings = np.tile(np.arange(1.0, 6.0), 40)
    names = [*realism_control.radiomics.FEATURES, *realism_control.radiomics.SHAPES]
    values = random.normal(0, 1, (200, len(names)))
    values[:, 0] += 4 * ratings
    patients = np.arange(200) // 2
    table = pd.DataFrame(values, columns=names).assign(patient=patients)
    reader = realism_control.Reader(table, ratings)
    assert reader.own["n"] == 200 and reader.own["pearson"] > 0.9
    assert reader.own["mean_absolute_error"] < 0.6
    levels = reader.levels(ratings, ratings + 1)
    assert [a for a, _ in levels.values()] == [2, 3, 4, 5, 6]
    assert [b for _, b in levels.values()] == pytest.approx([1, 2, 3, 4, 5], abs=0.5)


def test_agreement_is_worked_out_of_what_was_measured():
    found = realism_control._agreement([1, 2, 3, 4], np.array([2, 3, 4, np.nan]))
    assert found["n"] == 3 and found["pearson"] == pytest.approx(1)
    assert found["mean_error"] == found["mean_absolute_error"] == 1
    assert found["asked"] == [1, 2, 3]
