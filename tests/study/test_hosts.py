import numpy as np
import pytest

from ggngan_tf import errors
from ggngan_tf.data import nodules
from ggngan_tf.study import adding, hosts
from tests.study import made

SET = made.nodule_set(12)
LABELS = nodules.ground_glass(SET.texture, "mean")


def random():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def copied():
    return adding.copied(SET, LABELS, 30, 8, seed=3)


def test_a_shape_covers_the_nodule_that_gives_its_place():
    places = hosts.others(SET, LABELS, 10, random(), 30)
    assert len(places) == 10
    for place in places:
        assert not LABELS[place.host] and LABELS[place.donor]
        assert np.all(place.mask[SET.mask[place.host] > 0] == 1)


def test_each_host_comes_once_before_any_comes_again():
    places = hosts.others(SET, LABELS, int((~LABELS).sum()), random(), 30)
    assert len({place.host for place in places}) == int((~LABELS).sum())
    own = hosts.own(LABELS, int(LABELS.sum()), random())
    assert {place.host for place in own} == set(np.flatnonzero(LABELS))


def test_a_nodule_at_the_chest_wall_gives_no_place():
    image = SET.image.copy()
    image[:, :, 37:] = 40  # all that a GGN's shape would add on the right is wall
    at_wall = SET.take(np.arange(len(SET)))
    object.__setattr__(at_wall, "image", image)
    with pytest.raises(errors.SiteError, match=r"0 of 3 nodules .* synthesis\.hosts=own"):
        hosts.others(at_wall, LABELS, 3, random(), 3)


def test_a_set_of_ggns_alone_has_no_place_for_others():
    with pytest.raises(errors.SiteError, match="none can give its place"):
        hosts.others(SET.take(LABELS), LABELS[LABELS], 1, random(), 3)


def test_the_eight_ways_to_turn_a_donor_differ():
    image = np.arange(9).reshape(3, 3)
    assert len({hosts.oriented(image, way).tobytes() for way in range(8)}) == 8


def test_a_copied_nodule_is_the_donors_moved_to_its_new_background(copied):
    where = (copied.mask > 0).reshape(len(copied), -1)
    inside = [image.ravel()[m].mean() for image, m in zip(copied.image, where, strict=True)]
    # Hazy nodules lie 220 HU above a lung of -850, bright ones 800 above; nothing is left of these.
    assert np.all(np.abs(np.array(inside) - (-850 + 220)) < 60)


def test_copying_changes_nothing_far_from_the_nodule(copied):
    originals = {image.tobytes()[:2000] for image in SET.image}  # the first rows
    assert {image.tobytes()[:2000] for image in copied.image} <= originals


def test_copied_nodules_are_ground_glass_and_marked_as_made(copied):
    assert nodules.ground_glass(copied.texture, "mean").all()
    assert copied.synthetic and set(copied.patient_id) <= set(SET.patient_id)


def test_the_same_seed_copies_the_same_nodules(copied):
    again = adding.copied(SET, LABELS, 30, 8, seed=3)
    np.testing.assert_array_equal(again.image, copied.image)
    assert np.any(adding.copied(SET, LABELS, 30, 8, seed=4).image != copied.image)
