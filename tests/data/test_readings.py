import numpy as np
import pytest

from ggngan_tf.data import readings


def square(row, column, side, slice=0, included=True):
    """Returns an outline along the border of a square of so many pixels."""
    ring = np.ones((side, side), bool)
    ring[1:-1, 1:-1] = False
    angle = np.arctan2(*(np.argwhere(ring) - (side - 1) / 2).T)
    points = np.argwhere(ring)[np.argsort(angle)] + (row, column)
    return readings.Outline(slice, included, points.astype(np.int32))


def reading(number, *outlines, texture=1):
    return readings.Reading(number, texture, 3, 4, outlines)


def scan(*found, slice_thickness=2.0):
    positions = np.arange(10) * 2.0
    return readings.Scan("P", "1.2", "1.2.3", slice_thickness, 0.5, positions, found)


def numbers(groups):
    return [[reading.reading_id for reading in group] for group in groups]


def test_readings_closer_than_the_slice_thickness_are_of_one_nodule():
    near, same, far = square(10, 10, 5), square(10, 16, 5), square(10, 24, 5)  # gaps 2 and 4
    found = [reading(1, near), reading(2, same), reading(3, far)]
    assert sorted(numbers(readings.group(scan(*found)))) == [[1, 2], [3]]


def test_a_group_of_five_is_taken_apart_by_a_smaller_limit():
    pile = [reading(i, square(10, 10, 5)) for i in range(4)]
    beside = reading(4, square(10, 16, 5))  # 2 away: the limit itself, until it shrinks
    assert sorted(numbers(readings.group(scan(*pile, beside)))) == [[0, 1, 2, 3], [4]]


def test_five_readings_on_one_spot_stay_together():
    pile = [reading(i, square(10, 10, 5)) for i in range(5)]
    assert numbers(readings.group(scan(*pile))) == [[0, 1, 2, 3, 4]]


def test_nodules_come_in_order_along_the_patient():
    high, low = reading(1, square(9, 9, 5, slice=8)), reading(2, square(99, 99, 5, slice=1))
    assert numbers(readings.group(scan(high, low))) == [[2], [1]]


def test_a_scan_without_readings_has_no_nodules():
    assert readings.group(scan()) == []


def test_the_outline_is_the_first_pixel_outside():
    inside = readings.interior(square(0, 0, 5).points, (5, 5))
    assert inside.sum() == 9 and inside[1:4, 1:4].all()


def test_a_hole_is_taken_out_with_its_outline():
    drawn = reading(1, square(0, 0, 9), square(2, 2, 5, included=False))
    pixels = readings.consensus([drawn]).pixels
    assert pixels.sum() == 7 * 7 - 5 * 5


def test_half_of_the_readers_decide_each_pixel():
    # Insides: columns 1-3 and 3-5 of rows 1-3; both readers share column 3.
    pair = [reading(1, square(0, 0, 5)), reading(2, square(0, 2, 5))]
    half, all_of_them = readings.consensus(pair, 0.5), readings.consensus(pair, 1.0)
    assert half.pixels.sum() == 15 and all_of_them.pixels.sum() == 3
    assert half.origin == (0, 0) and half.slices.tolist() == [0]


def test_a_slice_that_one_of_three_readers_outlined_is_empty_at_half():
    trio = [reading(i, square(3, 4, 5, slice=2)) for i in range(2)]
    trio.append(reading(2, square(3, 4, 5, slice=2), square(3, 4, 5, slice=3)))
    mask = readings.consensus(trio)
    assert mask.slices.tolist() == [2, 3] and mask.pixels.sum(axis=(1, 2)).tolist() == [9, 0]
    assert mask.largest() == 0 and mask.origin == (3, 4)


def test_the_diameter_is_the_mean_of_the_readers_greatest_extents_in_mm():
    # Diagonals of the outlines' points: 4 and 8 pixels times the root of 2.
    pair = [reading(1, square(0, 0, 5)), reading(2, square(0, 0, 3), square(0, 0, 9, slice=1))]
    assert readings.diameter(pair, 0.5) == pytest.approx(np.sqrt(2) * (4 + 8) / 2 * 0.5)


def test_an_outline_of_one_point_has_no_extent_and_no_inside():
    point = reading(1, readings.Outline(0, True, np.array([[5, 5]], np.int32)))
    assert readings.diameter([point], 0.7) == 0 and not readings.consensus([point]).pixels.any()


def test_ratings_are_filled_up_to_four_readers():
    assert readings.ratings([reading(1, texture=2), reading(2, texture=5)], "texture") == [
        2,
        5,
        0,
        0,
    ]
