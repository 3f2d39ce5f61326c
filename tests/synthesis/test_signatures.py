import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from ggngan_tf import errors
from ggngan_tf.data import conditions
from ggngan_tf.synthesis import export, painter, saved, warmup
from tests.synthesis import models_made

SIZE = 96


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("served") / "tiny" / "1"
    models_made.write(made, metrics={"auc": 0.61})
    return made


@pytest.fixture(scope="session")
def model(folder):
    return saved.load(folder)


@pytest.fixture
def inputs():
    image = np.random.default_rng(1).normal(-800, 100, (2, SIZE, SIZE, 1)).round()
    mask = np.zeros(image.shape, np.float32)
    mask[0, 5:15, 5:12], mask[0, 60:70, 70:82], mask[1, 40:50, 40:50] = 1, 1, 1
    return {"image": image.astype(np.float32), "mask": mask, "seed": np.int32([3, 4])}


def call(model, name, inputs):
    out = model.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
    return next(iter(out.values())).numpy()


def png(images, dtype, offset=0):
    return np.array([tf.io.encode_png((i + offset).astype(dtype)).numpy() for i in images])


def as_png(inputs):
    return {
        "image_bytes": png(inputs["image"], np.uint16, 32768),
        "mask_bytes": png(255 * inputs["mask"], np.uint8),
        "seed": inputs["seed"],
    }


def test_the_signatures_have_named_tensors_of_free_size(model):
    specs = {
        name: {key: spec.shape.as_list() for key, spec in f.structured_input_signature[1].items()}
        for name, f in model.signatures.items()
        if name != "_owner"
    }
    assert specs == {
        "serving_default": {
            "image": [None, None, None, 1],
            "mask": [None, None, None, 1],
            "seed": [None],
        },
        "roi": {"image": [None, None, None, 1], "centre": [None, 2], "seed": [None]},
        "png": {"image_bytes": [None], "mask_bytes": [None], "seed": [None]},
        "conditioned": {
            "image": [None, None, None, 1],
            "mask": [None, None, None, 1],
            **{name: [None] for name in ("seed", *conditions.NAMES)},
        },
    }


def asked(**values):
    return {name: np.float32([values.get(name, np.nan)] * 2) for name in conditions.NAMES}


def test_conditions_that_are_left_to_chance_are_those_of_the_default(model, inputs):
    default = call(model, "serving_default", inputs)
    assert np.array_equal(call(model, "conditioned", inputs | asked()), default)


@pytest.mark.parametrize(
    "name, value",
    [
        ("texture", 5.0),
        ("density", -100.0),
        ("spread", 250.0),
        ("skewness", 3.0),
        ("kurtosis", 9.0),
    ],
)
def test_what_is_asked_for_changes_the_region_and_nothing_else(model, inputs, name, value):
    default = call(model, "serving_default", inputs)
    out = call(model, "conditioned", inputs | asked(**{name: value}))
    changed = out != default
    assert changed[inputs["mask"] == 1].mean() > 0.9
    assert not changed[inputs["mask"] == 0].any()


@pytest.mark.parametrize(
    "name, value",
    [
        ("texture", 0.5),
        ("malignancy", 6.0),
        ("density", 900.0),
        ("spread", -1.0),
        ("skewness", 11.0),
        ("kurtosis", 0.5),
        ("correlation", 1.5),
        ("structure", -1.5),
        ("edge", 600.0),
    ],
)
def test_conditions_that_cannot_be_are_refused_with_their_range(model, inputs, name, value):
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} must lie between"):
        call(model, "conditioned", inputs | asked(**{name: value}))


def test_each_of_several_regions_is_painted_and_nothing_else(model, inputs):
    out = call(model, "serving_default", inputs)
    changed, marked = out != inputs["image"], inputs["mask"] == 1
    assert not changed[~marked].any() and changed[marked].mean() > 0.99


def test_roi_paints_the_box_of_the_paper(model, inputs):
    centre = np.int32([(20, 30), (1, 95)])
    out = call(model, "roi", {"image": inputs["image"], "centre": centre, "seed": inputs["seed"]})
    changed = (out != inputs["image"])[..., 0]
    expected = np.zeros(changed.shape, bool)
    expected[0, 4:36, 14:46], expected[1, :32, 64:] = True, True
    assert not changed[~expected].any() and changed[expected].mean() > 0.99
    given = {"mask": expected[..., None].astype(np.float32)}
    np.testing.assert_array_equal(out, call(model, "serving_default", inputs | given))


def test_png_gives_the_same_hu_rounded(model, inputs):
    plain = call(model, "serving_default", inputs)
    answers = call(model, "png", as_png(inputs))
    stored = np.stack([tf.io.decode_png(a, dtype=tf.uint16).numpy() for a in answers])
    np.testing.assert_array_equal(stored.astype(int) - 32768, np.rint(plain).astype(int))


def test_the_lung_is_a_signature_of_its_own_where_the_model_saw_it_alone(tmp_path, inputs):
    models_made.write(tmp_path / "paper" / "1", "paper")
    model = saved.load(tmp_path / "paper")
    lung = np.zeros_like(inputs["mask"])
    lung[:, :, :60] = 1
    out = call(model, "lung", inputs | {"lung": lung})
    assert (out[inputs["mask"] == 0] == inputs["image"][inputs["mask"] == 0]).all()
    assert not np.array_equal(out, call(model, "serving_default", inputs))


def test_a_model_that_sees_the_lung_alone_is_told_of_it_with_conditions_too(tmp_path, inputs):
    made = models_made.SETTINGS["default"]
    made = made.model_copy(update={"data": made.data.model_copy(update={"lung": True})})
    folder = tmp_path / "both" / "1"
    folder.mkdir(parents=True)
    export.write(painter.Painter(models_made.network(made), made), folder, "both", "1")
    model = saved.load(folder)
    hu, mask = (inputs[name][..., 0].astype(np.int16) for name in ("image", "mask"))
    seeds, wanted = inputs["seed"], np.full((2, len(conditions.NAMES)), np.nan, np.float32)
    lung = np.zeros_like(mask)
    lung[:, :, :60] = 1
    painted, _ = model.paint(hu, mask, lung, seeds)
    asked, _ = model.paint(hu, mask, lung, seeds, wanted)
    assert np.array_equal(asked, painted)
    everywhere, _ = model.paint(hu, mask, None, seeds, wanted)
    assert not np.array_equal(everywhere, painted)


def test_a_far_pixel_changes_nothing_and_a_near_one_does(model, inputs):
    before = call(model, "serving_default", inputs)
    marked = inputs["mask"][1] == 1
    for row, same in ((5, True), (38, False)):
        image = inputs["image"].copy()
        image[1, row, 45] += 300
        after = call(model, "serving_default", inputs | {"image": image})
        assert np.array_equal(after[1][marked], before[1][marked]) == same


@pytest.mark.parametrize(
    ("signature", "change", "message"),
    [
        ("serving_default", {"mask": np.zeros((2, SIZE, SIZE, 1))}, "at least one pixel"),
        ("serving_default", {"mask": np.ones((2, 9, SIZE, 1))}, "shape of image"),
        ("serving_default", {"mask": np.ones((1, SIZE, SIZE, 1))}, "shape of image"),
        ("serving_default", {"image": np.full((2, SIZE, SIZE, 1), np.inf)}, "finite HU"),
        ("serving_default", {"seed": [1]}, "one number a slice"),
        (
            "serving_default",
            {"image": np.zeros((1, 128, 128, 1)), "mask": np.ones((1, 128, 128, 1)), "seed": [1]},
            r"is\] \[128\] \[x\] \[128\]",
        ),
        (
            "serving_default",
            dict(image=np.zeros((0, 9, 9, 1)), mask=np.zeros((0, 9, 9, 1)), seed=[]),
            "one slice",
        ),
        ("roi", {"centre": [(3, 3), (96, 3)]}, "lie on the slice"),
        ("roi", {"centre": [(3, 3)]}, "one row a slice"),
        ("roi", {"image": np.zeros((2, 31, 96, 1)), "centre": [(3, 3)] * 2}, "32 x 32 or larger"),
        ("png", {"image_bytes": [b"none", b"none"]}, "must be PNG"),
        ("png", {"image_bytes": png(np.zeros((2, SIZE, SIZE, 1)), np.uint8)}, "16-bit grey"),
        ("png", {"image_bytes": png(np.zeros((2, SIZE, SIZE, 3)), np.uint16)}, "16-bit grey"),
        ("png", {"mask_bytes": png(np.ones((2, 9, SIZE, 1)), np.uint8)}, "one size"),
        ("png", {"mask_bytes": png(np.ones((1, SIZE, SIZE, 1)), np.uint8)}, "as many"),
    ],
)
def test_bad_requests_are_refused_with_words(model, inputs, signature, change, message):
    given = as_png(inputs) if signature == "png" else inputs | {"centre": [(9, 9)] * 2}
    asked = model.signatures[signature].structured_input_signature[1]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        values = {key: (given | change)[key] for key in asked}
        model.signatures[signature](
            **{key: tf.constant(value, asked[key].dtype) for key, value in values.items()}
        )


def test_the_manifest_and_the_card_say_what_the_model_is(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["synthetic"] is True and manifest["metrics"] == {"auc": 0.61}
    assert (manifest["name"], manifest["version"], manifest["licence"]) == (
        "tiny",
        "1",
        "Apache-2.0",
    )
    assert manifest["config"]["generator"]["filters"] == 4
    card = (folder / "model_card.md").read_text()
    for words in ("not a medical device", "-1000 to 400 HU", "7 steps", "auc 0.61", "`roi`"):
        assert words in card


def test_a_changed_model_is_loaded_when_told_so_under_another_hash(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    with (tmp_path / "copy" / "model_card.md").open("a") as file:
        file.write("changed\n")
    with pytest.raises(errors.ModelError, match=r"model_card\.md: missing, or not the file"):
        saved.load(tmp_path / "copy")
    assert saved.load(tmp_path / "copy", unchecked=True).sha256 != saved.load(folder).sha256


def test_the_warm_up_requests_are_those_of_tensorflow_serving_and_run(folder, model):
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    path = folder / "assets.extra" / warmup.NAME
    seen = []
    for record in tf.data.TFRecordDataset(str(path)):
        request = logs.PredictionLog.FromString(record.numpy()).predict_log.request
        values = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        name = request.model_spec.signature_name
        assert request.model_spec.name == "tiny"
        assert len(call(model, name, values)) == 1
        seen.append(name)
    assert seen == ["serving_default", "roi", "png", "conditioned"]


def test_requests_and_responses_of_tensorflow_serving_carry_the_model(model, inputs):
    predict = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    request = predict.PredictRequest()
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    received = predict.PredictRequest.FromString(request.SerializeToString())
    values = {key: tf.make_ndarray(value) for key, value in received.inputs.items()}
    response = predict.PredictResponse()
    painted = call(model, "serving_default", values)
    response.outputs["image"].CopyFrom(tf.make_tensor_proto(painted))
    back = predict.PredictResponse.FromString(response.SerializeToString())
    np.testing.assert_array_equal(tf.make_ndarray(back.outputs["image"]), painted)


def cli(*arguments):
    tool = pathlib.Path(sys.executable).parent / "saved_model_cli"
    if not tool.exists():
        pytest.skip("saved_model_cli, which comes with TensorFlow, is not beside this Python")
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True)


def test_saved_model_cli_shows_the_names(folder):
    done = cli("show", "--dir", folder, "--tag_set", "serve", "--signature_def", "roi")
    assert done.returncode == 0, done.stderr[-2000:]
    for words in ("inputs['centre']", "inputs['image']", "inputs['seed']", "outputs['image']"):
        assert words in done.stdout


def test_saved_model_cli_runs_the_model(folder, inputs, tmp_path):
    for key, value in inputs.items():
        np.save(tmp_path / f"{key}.npy", value)
    given = ";".join(f"{key}={tmp_path / key}.npy" for key in inputs)
    what = ["--tag_set", "serve", "--signature_def", "serving_default", "--inputs", given]
    done = cli("run", "--dir", folder, *what, "--outdir", tmp_path / "out")
    assert done.returncode == 0, done.stderr[-2000:]
    out = np.load(tmp_path / "out" / "image.npy")
    assert ((out != inputs["image"]) <= (inputs["mask"] == 1)).all() and (
        out != inputs["image"]
    ).any()
