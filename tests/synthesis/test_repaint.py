import numpy as np

from ggngan_tf.data import nodules
from ggngan_tf.synthesis import repaint, saved
from tests.conftest import make_set


def test_every_nodule_is_painted_anew_and_marked_synthetic(model_folder, tmp_path):
    source, model = make_set(10), saved.load(model_folder)
    painted = repaint.repaint(source, model, seed=4)
    inside = source.mask > 0
    assert all((painted.image[i] != source.image[i])[inside[i]].mean() > 0.9 for i in range(10))
    np.testing.assert_array_equal(painted.mask, source.mask)
    nodules.write(painted, tmp_path / "synthetic.h5")
    back = nodules.read(tmp_path / "synthetic.h5")
    assert back.synthetic and back.attributes["seed"] == 4
    assert back.attributes["generator_sha256"] == model.sha256
    assert back.attributes["note"] == source.attributes["note"]


def test_a_longer_set_begins_with_the_same_nodules(model_folder):
    model = saved.load(model_folder)
    few, many = (repaint.repaint(make_set(10).take(np.arange(n)), model, 4) for n in (3, 10))
    np.testing.assert_array_equal(few.image, many.image[:3])
