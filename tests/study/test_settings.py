import pytest

from ggngan_tf import config, errors
from ggngan_tf.study import settings


def test_every_preset_is_what_it_says_and_survives_being_saved(tmp_path):
    for name, preset in settings.PRESETS.items():
        assert settings.load(name) == preset and preset.preset == name
        path = tmp_path / f"{name}.yaml"
        path.write_text(settings.dump(preset))
        assert settings.read(path) == preset


def test_the_papers_preset_follows_the_paper_where_it_says_something():
    paper = settings.PRESETS["paper"]
    assert paper.percentages == tuple(range(10, 101, 10))
    assert paper.arms == ("real", "synthetic") and paper.rule == "strict"
    assert paper.gan.preset == "paper" and paper.gan.more_steps == 0


def test_the_gan_of_a_subset_is_the_preset_of_train_with_what_is_overridden():
    study = settings.load("quick", None, ("gan.preset=smoke", "gan.overrides=[data.shift=4]"))
    made = settings.gan(study, seed=7, steps=30)
    smoke = config.PRESETS["smoke"]
    assert made.generator == smoke.generator and made.data.shift == 4
    assert (made.training.seed, made.training.steps) == (7, 30)
    assert made.data.fractions == (1.0, 0.0, 0.0) and made.data.rule == "mean"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("classifier.step=3", "'step' is unknown"),
        ("percentages=[50, 20]", "rising"),
        ("percentages=[50, 120]", "percentages"),
        ("arms=[synthetic]", "lack 'real'"),
        ("percentages=[10", "percentages=\\[10: .* is not a YAML value; quote"),
        ("window=[400, -1000]", "lower HU first"),
        ("split.test=0.95", "leave patients to train on"),
        ("synthesis.hosts=nowhere", "synthesis.hosts"),
    ],
)
def test_what_cannot_be_is_refused_by_name(override, said):
    with pytest.raises(errors.ConfigError, match=said):
        settings.load("quick", None, (override,))


def test_an_unknown_preset_is_refused_with_those_there_are():
    with pytest.raises(errors.ConfigError, match="take one of default, paper, quick"):
        settings.load("full")
