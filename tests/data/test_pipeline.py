import itertools

import numpy as np
import pytest

from ggngan_tf import config, errors
from ggngan_tf.data import pipeline
from tests.conftest import make_set


def settings(**training):
    smoke = config.PRESETS["smoke"]
    return smoke.model_copy(update={"training": smoke.training.model_copy(update=training)})


def first(dataset, count):
    return [
        {k: v.numpy() for k, v in batch.items()} for batch in itertools.islice(iter(dataset), count)
    ]


def test_resuming_at_a_step_gives_what_the_whole_run_saw():
    chosen, made = make_set(5), settings()
    whole = first(pipeline.batches(chosen, made), 6)
    rest = first(pipeline.batches(chosen, made, first_step=4), 2)
    for expected, found in zip(whole[4:], rest, strict=True):
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])


def test_every_nodule_is_seen_once_an_epoch_in_changing_order():
    # Each nodule has its own grey value, so that it is known again however it is turned.
    levels = np.arange(6) * 100 - 900
    image = np.broadcast_to(levels[:, None, None], (6, 71, 71)).astype(np.int16)
    batches = first(pipeline.batches(make_set(6, image=image), settings(batch=2)), 9)
    seen = np.concatenate([b["target"][:, 32, 32, 0] for b in batches]).reshape(3, 6)
    order = [np.rint((epoch * 1400 - 1000 + 900) / 100).astype(int).tolist() for epoch in seen]
    assert all(sorted(epoch) == [0, 1, 2, 3, 4, 5] for epoch in order)
    assert len({tuple(epoch) for epoch in order}) > 1


def test_the_roi_stays_inside_and_the_mask_stays_under_the_nodule():
    # The nodule is bright, so that a mask that is turned another way than its image shows.
    chosen = make_set(4)
    image = np.where(chosen.mask > 0, 300, -900).astype(np.int16)
    made = settings(batch=4)
    made = made.model_copy(update={"erase": config.Erase(dilation=0)})
    for batch in first(pipeline.batches(make_set(4, image=image), made), 8):
        np.testing.assert_array_equal(batch["target"] > 0.5, batch["hole"] > 0.5)
        half = made.erase.roi_size // 2
        assert (batch["centre"] >= half - 1).all() and (batch["centre"] <= 64 - half + 1).all()
        for hole, centre in zip(batch["hole"][..., 0], batch["centre"], strict=True):
            middle = np.argwhere(hole).mean(axis=0)
            np.testing.assert_allclose(middle, centre, atol=1.5)


def test_a_box_covers_the_roi():
    chosen = make_set(2)
    made = settings()
    made = made.model_copy(update={"erase": config.Erase(shape="box", dilation=0)})
    batch = pipeline.fixed(chosen, made, 2)
    assert batch["hole"].numpy().sum(axis=(1, 2, 3)).tolist() == [32 * 32] * 2


def test_outside_the_lung_is_blank_if_asked_for():
    lung = np.zeros((2, 71, 71), np.uint8)
    lung[:, :, 20:] = 1
    made = settings()
    made = made.model_copy(update={"data": config.Data(lung=True)})
    target = pipeline.fixed(make_set(2, lung=lung), made, 2)["target"].numpy()
    assert (target[:, :, :16] == 0).all() and (target[:, :, 17:] > 0).mean() > 0.99


def test_whole_slices_are_moved_within_a_blank_rim():
    chosen = make_set(2, size=64)
    made = settings(batch=2)
    for batch in first(pipeline.batches(chosen, made), 4):
        assert batch["target"].shape == (2, 64, 64, 1)


@pytest.mark.parametrize(("side", "size"), [(71, 64), (512, 512), (48, 48), (100, 96)])
def test_the_image_size_follows_the_data(side, size):
    assert pipeline.image_size(side, side) == size


def test_images_too_small_are_refused():
    with pytest.raises(errors.TrainingError, match="images are 40 x 90 pixels"):
        pipeline.image_size(40, 90)


def test_a_set_smaller_than_a_batch_is_refused():
    with pytest.raises(errors.TrainingError, match="2 nodules do not fill a batch of 3"):
        pipeline.batches(make_set(2), settings(batch=3))


def test_nodules_wider_than_what_is_painted_are_counted():
    mask = np.zeros((3, 71, 71), np.uint8)
    mask[0, 30:40, 30:40] = 1
    mask[1, 10:60, 35] = 1
    mask[2, 35, 13:57] = 1  # 44 wide, and 2 pixels around are 48
    assert pipeline.clipped(make_set(3, mask=mask), settings()) == 1
