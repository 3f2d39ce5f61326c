import types

import numpy as np
import pandas as pd
import pytest
import realism_control
import realism_models
import realism_places
import realism_settings
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
    reader = realism_control.Reader(table, ratings, np.ones(200, bool))
    assert reader.own["n"] == 200 and reader.own["pearson"] > 0.9
    assert reader.own["mean_absolute_error"] < 0.6
    levels = reader.levels(ratings, ratings + 1)
    assert [a for a, _ in levels.values()] == [2, 3, 4, 5, 6]
    assert [b for _, b in levels.values()] == pytest.approx([1, 2, 3, 4, 5], abs=0.5)


def test_a_reader_is_set_beside_real_nodules_of_the_kind_that_is_painted(monkeypatch):
    quick = sklearn.tree.DecisionTreeRegressor(min_samples_leaf=5, random_state=0)
    monkeypatch.setattr(realism_control, "_regression", lambda: quick)
    random = np.random.default_rng(0)
    ratings = np.tile(np.arange(1.0, 6.0), 40)
    alike = np.arange(200) < 100
    names = [*realism_control.radiomics.FEATURES, *realism_control.radiomics.SHAPES]
    values = random.normal(0, 1, (200, len(names)))
    values[:, 0] += np.where(alike, 3, 4 * ratings)  # these do not show their rating
    table = pd.DataFrame(values, columns=names).assign(patient=np.arange(200) // 2)
    reader = realism_control.Reader(table, ratings, alike)
    assert reader.own["n"] == 100 and abs(reader.own["pearson"]) < 0.5
    real = [b for _, b in reader.levels(ratings, ratings).values()]
    assert max(real) - min(real) < 1


def test_what_was_asked_for_is_measured_inside_the_mask():
    mask = np.zeros((24, 24), np.uint8)
    mask[4:20, 4:20] = 1
    hu = np.full((24, 24), -600, np.int16)
    hu[4, 4:20] = hu[19, 4:20] = hu[4:20, 4] = hu[4:20, 19] = -650  # 60 of 256 pixels
    # Means of 5 columns that alternate are a fifth of one, but for the two next to each edge.
    stripes = np.where(np.arange(24) % 2, -500, -700)[None].repeat(24, axis=0).astype(np.int16)
    painted = realism_settings.Painted(
        np.stack([[hu, stripes]]),
        np.stack([[mask, mask]]),
        np.ones((1, 2, 2)),
        np.full((1, 2), "a"),
    )
    density = -600 - 50 * 60 / 256
    assert realism_control._inside(painted, "density") == pytest.approx([density, -600])
    share = 60 / 256
    spread = [50 * np.sqrt(share * (1 - share)), 100]
    assert realism_control._inside(painted, "spread") == pytest.approx(spread, rel=1e-3)
    assert realism_control._inside(painted, "edge") == pytest.approx([-650 - density, 0], abs=1e-2)
    kept = (12 / 25 + 2 / 9 + 2 * 0) / 16  # 12 columns, 2 of 3 columns each, 2 of 4
    assert realism_control._inside(painted, "structure")[1] == pytest.approx(kept, rel=1e-2)


def test_agreement_is_worked_out_of_what_was_measured():
    found = realism_control._agreement([1, 2, 3, 4], np.array([2, 3, 4, np.nan]))
    assert found["n"] == 3 and found["pearson"] == pytest.approx(1)
    assert found["mean_error"] == found["mean_absolute_error"] == 1
    assert found["asked"] == [1, 2, 3]
