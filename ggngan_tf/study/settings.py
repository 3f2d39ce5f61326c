"""Settings of a study: checked when made, saved resolved beside its results.

A number of the paper stands here once, with its source; the others are ours and say why.
"""

import pathlib
from typing import Annotated, Literal

import pydantic

from ggngan_tf import config, settings_file

Share = Annotated[float, pydantic.Field(ge=0, le=1)]
Count = Annotated[int, pydantic.Field(ge=0)]
Above = Annotated[float, pydantic.Field(gt=0)]
Arm = Literal[
    "plain", "real", "weighted", "oversampled", "copy_paste", "synthetic", "synthetic_oversampled"
]


class _Section(settings_file.Frozen):
    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _tuples(cls, value):
        return tuple(value) if isinstance(value, list) else value


class Split(_Section):
    """Which patients are for what; patients with and without GGNs are shared out alike."""

    test: Share = 0.3  # ours: 60 of LIDC's 209 GGNs; fewer leave intervals too wide to see a gain
    validation: Share = 0.1  # ours: enough to see when to stop
    seed: Count = 0

    @pydantic.model_validator(mode="after")
    def _check(self):
        if self.test + self.validation >= 1 or not self.test or not self.validation:
            raise ValueError(
                f"test {self.test} and validation {self.validation} must both be above 0 and "
                "leave patients to train on"
            )
        return self


class Gan(_Section):
    """The generator of each subset: a preset of `ggngan train` and what differs from it."""

    preset: str = "default"
    overrides: tuple[str, ...] = ()
    steps: config.Positive = 4_000  # on the smallest subset, or on each
    # Nested subsets let a GAN go on from that of the next smaller one, which saw none but patients
    # of its own subset; ours. 0: each starts anew, as in the paper.
    more_steps: Count = 0


class Synthesis(_Section):
    """Where synthetic GGNs are painted, and how many."""

    ratios: tuple[Above, ...] = (1.0,)  # synthetic for each real GGN; paper silent
    # own: real GGNs painted anew in their place; others: in the place of a solid nodule.
    hosts: Literal["own", "others", "both"] = "both"
    tries: config.Positive = 30  # shapes drawn until one covers the nodule that it replaces
    feather: Annotated[float, pydantic.Field(ge=0)] = 0.0  # pixels of a soft border; see `finish`
    noise: bool = False  # as much inside as around


class Augmentation(_Section):
    """What happens to a patch before the network sees it; ours, the paper is silent."""

    shift: Count = 3  # pixels; a 71 x 71 patch has no more to give
    turn: bool = True  # flips and right angles
    offset_hu: Annotated[float, pydantic.Field(ge=0)] = 20.0
    contrast: Annotated[float, pydantic.Field(ge=0)] = 0.05
    noise_hu: Annotated[float, pydantic.Field(ge=0)] = 40.0  # at most: as thin slices have


NONE = Augmentation(shift=0, turn=False, offset_hu=0.0, contrast=0.0, noise_hu=0.0)


class Classifier(_Section):
    """The ResNet and how it is trained; sizes are ours, the paper says "a basic ResNet"."""

    filters: tuple[config.Positive, ...] = (16, 32, 64, 64)
    blocks: config.Positive = 1
    dropout: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.2
    steps: config.Positive = 1_500
    batch: config.Positive = 32
    learning_rate: Above = 2e-3
    weight_decay: Annotated[float, pydantic.Field(ge=0)] = 1e-3
    validate_every: config.Positive = 50
    patience: Count = 8  # validations without a gain; 0: never stop early
    augmentation: Augmentation = Augmentation()
    calibration: Literal["platt", "temperature", "none"] = "platt"
    # Where precision and recall are read off: best F1 on validation patients, or 0.5.
    threshold: Literal["f1", "half"] = "f1"


class Study(_Section):
    """All settings of one study."""

    preset: str = "default"
    rule: Literal["strict", "mean", "any"] = "mean"  # as in `ggngan train`
    window: tuple[float, float] = (-1000.0, 400.0)  # HU that become 0 and 1, as config.Data
    percentages: tuple[Annotated[float, pydantic.Field(gt=0, le=100)], ...] = tuple(
        float(p)
        for p in range(10, 101, 10)  # "10 training subsets", Evaluation of performance
    )
    seeds: config.Positive = 3
    # Orders in which patients join the subsets, each with GANs of its own; ours. Seed s takes
    # order s % orders; 0: an order a seed. Fewer orders than seeds save GANs.
    orders: Count = 0
    arms: tuple[Arm, ...] = (
        "plain",
        "real",
        "weighted",
        "oversampled",
        "copy_paste",
        "synthetic",
        "synthetic_oversampled",
    )
    split: Split = Split()
    gan: Gan = Gan()
    synthesis: Synthesis = Synthesis()
    classifier: Classifier = Classifier()
    bootstrap: config.Positive = 2_000

    def order(self, seed: int) -> int:
        """Returns which order of patients a seed takes."""
        return seed % self.orders if self.orders else seed

    @pydantic.model_validator(mode="after")
    def _check(self):
        if list(self.percentages) != sorted(set(self.percentages)) or not self.percentages:
            raise ValueError(f"percentages are {self.percentages}; give them once each, rising")
        if "real" not in self.arms:
            raise ValueError("arms lack 'real', which all others are compared with")
        if self.window[0] >= self.window[1]:
            raise ValueError(f"window is {self.window}; give the lower HU first")
        return self


# The paper adds synthetic to real nodules and names neither augmentation nor controls; precision
# and recall are read off at the network's own 0.5, and every GAN starts anew.
_PAPER = Study(
    preset="paper",
    rule="strict",  # "annotated by at least two radiologists"
    arms=("real", "synthetic"),
    gan=Gan(preset="paper", steps=config.PRESETS["paper"].training.steps),
    synthesis=Synthesis(hosts="own"),
    classifier=Classifier(
        filters=(64, 128, 256, 512),  # ResNet-18's (He et al., 2016)
        blocks=2,
        dropout=0.0,
        steps=5_000,
        learning_rate=1e-4,  # "Construction of the DL model", of the GAN; silent here
        augmentation=NONE,
        calibration="none",
        threshold="half",
    ),
)
_QUICK = Study(
    preset="quick",
    percentages=(10.0, 50.0, 100.0),
    seeds=1,
    arms=("real", "oversampled", "copy_paste", "synthetic", "synthetic_oversampled"),
    gan=Gan(
        overrides=(
            "generator.filters=12",
            "generator.blocks=3",
            "whole.filters=[12, 24, 24, 24]",
            "roi.filters=[12, 24, 24]",
            "data.side=48",  # half of the arithmetic of a whole patch
            # 300 steps leave no time to find out slowly, nor for an average over 1,000 of them.
            "loss.roi_ssim=1.0",
            "training.learning_rate=0.0005",
            "training.averaging=0.97",
        ),
        steps=300,
    ),
    classifier=Classifier(
        filters=(8, 16, 32, 32), steps=350, batch=16, validate_every=70, patience=0
    ),
    bootstrap=1_000,
)
PRESETS = {
    "default": Study(gan=Gan(more_steps=1_000)),
    "paper": _PAPER,
    "quick": _QUICK,
}


def load(
    preset: str = "default", path: pathlib.Path | None = None, overrides: tuple[str, ...] = ()
) -> Study:
    """Returns a preset, changed by a YAML file, changed by `section.key=value` overrides.

    Raises:
        ConfigError: The preset or a key is unknown, a value impossible, or the file not YAML.
    """
    return settings_file.load(PRESETS, preset, path, overrides)


def read(path: pathlib.Path) -> Study:
    """Reads resolved settings, as `dump` writes them.

    Raises:
        ConfigError: The file is missing, not YAML, or not settings of this version.
    """
    return settings_file.read(Study, path)


def dump(study: Study) -> str:
    """Returns all settings as YAML."""
    return settings_file.dump(study)


def gan(study: Study, seed: int, steps: int) -> config.Config:
    """Returns the settings of one GAN, which learns from all patients of the file it is given.

    Raises:
        ConfigError: The preset or an override of `gan` is impossible.
    """
    own = (
        f"data.rule={study.rule}",
        "data.fractions=[1, 0, 0]",
        f"data.window=[{study.window[0]}, {study.window[1]}]",
        f"training.seed={seed}",
        f"training.steps={steps}",
        f"training.checkpoint_every={steps}",
    )
    return config.load(study.gan.preset, None, (*study.gan.overrides, *own))
