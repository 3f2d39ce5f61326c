import numpy as np
import pytest

from ggngan_tf.study import calibration


def cases(slope, offset, count=4000):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, count)
    labels = random.random(count) < calibration.apply(logits, (slope, offset))
    return logits, labels


def test_platt_finds_the_slope_and_offset_that_labels_were_drawn_with():
    found = calibration.fit(*cases(0.5, -1.0), "platt")
    assert found == pytest.approx((0.5, -1.0), abs=0.12)


def test_a_temperature_has_no_offset():
    slope, offset = calibration.fit(*cases(0.5, 0.0), "temperature")
    assert offset == 0.0 and slope == pytest.approx(0.5, abs=0.06)


def test_calibration_keeps_the_order_of_cases_even_where_scores_are_upside_down():
    logits, labels = cases(1.0, 0.0, 300)
    slope, _ = calibration.fit(-logits, labels, "platt")
    assert slope > 0


def test_cases_that_a_line_parts_do_not_sharpen_without_end():
    logits = np.concatenate([np.full(10, -1.0), np.full(10, 1.0)])
    slope, _ = calibration.fit(logits, logits > 0, "platt")
    # Platt's targets of 10 and 10 cases are 11/12 and 1/12: the logit of 1 is log 11.
    assert slope == pytest.approx(np.log(11), abs=0.01)


def test_without_a_ggn_there_is_nothing_to_fit():
    assert calibration.fit(np.arange(3.0), np.zeros(3, bool), "platt") == (1.0, 0.0)


def test_probabilities_that_mean_what_they_say_have_a_small_error():
    logits, labels = cases(1.0, 0.0)
    probabilities = calibration.apply(logits, (1.0, 0.0))
    assert calibration.error(labels, probabilities) < 0.04
    assert calibration.error(labels, np.full(len(labels), 0.9)) == pytest.approx(
        0.9 - labels.mean()
    )
