import pytest
import yaml

from ggngan_tf import config, errors


def test_the_paper_preset_holds_the_numbers_of_the_paper():
    paper = config.load("paper")
    assert paper.training.learning_rate == 0.0001
    assert paper.erase.roi_size == 32 and paper.erase.shape == "box"
    ours = ("distribution", "diversity", "radiomic")
    assert {weight for name, weight in paper.loss if name not in ours} == {1.0}
    assert {getattr(paper.loss, name) for name in ours} == {0.0}
    assert not paper.training.paste and not paper.generator.noise_input


def test_a_file_changes_the_preset_and_an_override_the_file(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("training: {steps: 7, batch: 3}\ndata: {window: [-1200, 200]}\n")
    made = config.load("smoke", path, ("training.steps=9",))
    assert (made.training.steps, made.training.batch) == (9, 3)
    assert made.data.window == (-1200.0, 200.0)


@pytest.mark.parametrize("name", config.PRESETS)
def test_what_is_saved_is_read_back_the_same(tmp_path, name):
    config.save(config.PRESETS[name], tmp_path / "config.yaml")
    assert config.read(tmp_path / "config.yaml") == config.PRESETS[name]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.stepps=9", "'stepps' is unknown; known here are steps"),
        ("training.steps=0", r"training.steps: .* \(found 0\)"),
        ("training=3", "'training' is a section"),
        ("training.steps", "needed is section.key=value"),
        ("erase.roi_size=8", "erase.roi_size: .*11"),
        ("data.window=[5, 4]", "give the lower HU first"),
        ("data.fractions=[1, 1, 1]", "add up to 1"),
        ("erase.limit=20", "make it erase.roi_size or more"),
        ("training.precision=float8", "training.precision"),
    ],
)
def test_a_setting_that_is_wrong_is_named(override, message):
    with pytest.raises(errors.ConfigError, match=message):
        config.load(overrides=(override,))


def test_an_unknown_preset_lists_the_known_ones():
    with pytest.raises(errors.ConfigError, match="default, paper, smoke"):
        config.load("papre")


@pytest.mark.parametrize("text", ["a: [", "just words"])
def test_a_file_that_is_not_settings_is_refused(tmp_path, text):
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(errors.ConfigError, match=r"own\.yaml"):
        config.load(path=tmp_path / "own.yaml")


def test_the_dump_is_plain_yaml():
    assert yaml.safe_load(config.dump(config.Config()))["generator"]["mask_input"] is True


def test_a_batch_of_one_has_no_distribution_to_compare():
    with pytest.raises(errors.ConfigError, match=r"loss\.radiomic compares batches"):
        config.load(overrides=("training.batch=1",))
    config.load(overrides=("training.batch=1", "loss.radiomic=0.0"))


def test_a_value_that_is_not_yaml_is_refused_in_one_line():
    with pytest.raises(errors.ConfigError, match="is not a YAML value"):
        config.load(overrides=("training.batch=[1",))
