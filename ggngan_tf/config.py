"""Settings of a training run: checked when made, saved resolved beside every result.

A number of the paper stands here once, with its source; the others are ours and say why.
"""

import pathlib
from typing import Annotated, Literal

import pydantic

from ggngan_tf import settings_file

LUNG_WINDOW = (-1350.0, 150.0)  # HU; level -600, width 1500: how people look at lungs

Weight = Annotated[float, pydantic.Field(ge=0)]
Positive = Annotated[int, pydantic.Field(ge=1)]


class Data(settings_file.Frozen):
    """Which nodules are learnt from, and how HU become the networks' input."""

    rule: Literal["strict", "mean", "any", "none"] = "mean"  # ours: see docs/design.md, section 3
    split_seed: int = 0
    fractions: tuple[Weight, Weight, Weight] = (0.7, 0.1, 0.2)  # train, validation, test patients
    window: tuple[float, float] = (-1000.0, 400.0)  # HU that become 0 and 1; ours: air to bone
    # Side of the square that networks see, a multiple of 16; 0: as large as the data allow.
    side: Annotated[int, pydantic.Field(ge=0, multiple_of=16)] = 0
    lung: bool = False  # blank outside the lung; ours: the pleura around a nodule is information
    # Share of each batch that are nodules of other textures: they teach how lung goes on behind a
    # nodule and what a scanner's noise is like, which 160 ground glass nodules are few for; ours.
    others: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.4
    shift: Annotated[int, pydantic.Field(ge=0)] = 8  # pixels a whole slice is moved at most; ours

    @pydantic.field_validator("window", "fractions", mode="before")
    @classmethod
    def _from_list(cls, value):
        return tuple(float(v) for v in value) if isinstance(value, list | tuple) else value

    @pydantic.model_validator(mode="after")
    def _check(self):
        if self.window[0] >= self.window[1]:
            raise ValueError(f"window is {self.window}; give the lower HU first")
        if abs(sum(self.fractions) - 1) > 1e-6:
            raise ValueError(f"fractions are {self.fractions}; make them add up to 1")
        return self


class Erase(settings_file.Frozen):
    """Which pixels are blanked and painted anew."""

    shape: Literal["box", "contour"] = "contour"
    roi_size: Annotated[int, pydantic.Field(ge=11)] = (
        32  # pixels; "32 x 32", Construction of the DL model
    )
    dilation: Annotated[int, pydantic.Field(ge=0)] = (
        2  # pixels around a contour; ours: blurred edge
    )
    limit: Annotated[int, pydantic.Field(ge=11)] = (
        48  # pixels a contour may be wide in training; ours
    )


class Generator(settings_file.Frozen):
    """The generator's size and what it sees beside the erased image."""

    filters: Positive = 32
    blocks: Positive = 8  # this and 32 filters train on 2 cores in one to two hours; ours
    mask_input: bool = True
    noise_input: bool = True
    conditions: bool = True  # as asked for, see data/conditions.py; ours
    contrast: float = 4.0  # what intensities are multiplied by: lung lies at 0.1 of 0 to 1; ours


class Discriminator(settings_file.Frozen):
    """A ResNet: one stage a number of filters, each at half the resolution of the one before."""

    filters: tuple[Positive, ...]
    blocks: Positive = 1  # residual blocks a stage
    mask_input: bool = True
    conditions: bool = True  # as the generator's; ours
    contrast: float = 4.0  # as the generator's; ours
    residual: bool = True  # sees the image less its blurred self too: noise and texture; ours
    normalisation: bool = False  # batch normalisation; ours: small batches unsteady it
    hole_pooling: bool = True  # averages its features over the hole and not the image; ours
    # Stride of the first layer; 0: a run takes 4 on whole slices, where full resolution is most of
    # the arithmetic and the ROI's judge sees it anyway (He et al., 2016, start by 4 too), else 2.
    stem: Literal[0, 2, 4] = 0

    @pydantic.field_validator("filters", mode="before")
    @classmethod
    def _from_list(cls, value):
        return tuple(value) if isinstance(value, list) else value


class Loss(settings_file.Frozen):
    """Weights of the four terms of Eq. 1."""

    whole_ssim: Weight = 1.0  # Eq. 1
    whole_adversarial: Weight = 1.0  # Eq. 1
    roi_ssim: Weight = 1.0  # Eq. 1
    roi_adversarial: Weight = 1.0  # Eq. 1
    # How far the distribution of HU inside the nodule is from what was asked for; ours.
    distribution: Weight = 0.0
    diversity: Weight = 0.0  # how much too alike two paintings of one place are; ours
    radiomic: Weight = 0.0  # ggngan_tf.radiomic_loss: the paper's own proposal


class Stability(settings_file.Frozen):
    """What may steady the two sides; the defaults are the plain game of the paper."""

    objective: Literal["standard", "relativistic"] = "standard"
    r1: Weight = 0.0  # weight of the gradient penalty on real images
    spectral_normalisation: bool = False  # of the discriminators' convolutions
    judge_learning_rate: Annotated[float, pydantic.Field(gt=0)] | None = None  # None: the same
    beta_1: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.9  # Adam's default; paper silent


class Training(settings_file.Frozen):
    """The loop."""

    steps: Positive = 9_000
    batch: Positive = 8
    learning_rate: Annotated[float, pydantic.Field(gt=0)] = 5e-4  # ours: a small network bears more
    averaging: Annotated[float, pydantic.Field(ge=0, lt=1)] = (
        0.998  # of the generator's weights; ours
    )
    paste: bool = True  # discriminators see the painted region in the real slice; ours
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    compiled: bool = False  # by XLA: a minute more at the start, less for each step; on one device
    devices: Literal["auto", "one", "mirrored", "workers"] = "auto"  # docs/scale.md
    # From here to the last step all learning rates fall to a tenth; ours. 1: they do not.
    decay_from: Annotated[float, pydantic.Field(ge=0, le=1)] = 0.5
    # From here on the generator's batch normalisation uses the statistics that inference will use,
    # so that it is trained as it is used; ours. 1: never.
    freeze_from: Annotated[float, pydantic.Field(ge=0, le=1)] = 0.6
    seed: Annotated[int, pydantic.Field(ge=0, lt=2**31)] = 0
    log_every: Positive = 50
    checkpoint_every: Positive = 500
    sample_every: Positive = 500
    validate_every: Positive = 500  # ours: as often as a checkpoint
    patience: Annotated[int, pydantic.Field(ge=0)] = 0  # validations without a gain; 0: no end
    skip_limit: Positive = 30  # in a row; float16 needs up to 16 to find its scale
    keep: Positive = 3  # checkpoints, beside the best


class Config(settings_file.Frozen):
    """All settings of one run."""

    preset: str = "default"
    data: Data = Data()
    erase: Erase = Erase()
    generator: Generator = Generator()
    whole: Discriminator = Discriminator(filters=(32, 64, 128, 128))
    roi: Discriminator = Discriminator(filters=(32, 64, 128))
    # Ours: SSIM pulls towards the mean of all nodules that would fit, and so smooths texture away.
    loss: Loss = Loss(whole_ssim=0.1, roi_ssim=0.1, distribution=0.5, diversity=2.0, radiomic=2.0)
    training: Training = Training()
    # Ours: a painted nodule against its own twin, which differs from it in the hole only.
    stability: Stability = Stability(objective="relativistic", r1=0.05, beta_1=0.5)

    @pydantic.model_validator(mode="after")
    def _check(self):
        if self.erase.shape == "contour" and self.erase.limit < self.erase.roi_size:
            raise ValueError(f"erase.limit is {self.erase.limit}; make it erase.roi_size or more")
        if self.loss.diversity and not self.generator.noise_input:
            raise ValueError(
                "loss.diversity asks for other nodules from other noise and generator.noise_input "
                "is false; make one 0 or the other true"
            )
        if self.loss.radiomic and self.training.batch < 2:
            raise ValueError(
                "loss.radiomic compares batches and training.batch is 1; make one 0 or the other 2"
            )
        return self

    @property
    def region(self) -> int:
        """Side in pixels of the square that holds whatever is painted in training."""
        return self.erase.limit if self.erase.shape == "contour" else self.erase.roi_size


# The paper is silent on filters, blocks, batch and steps: 64 and 16 are SRGAN's (Ledig et al.,
# 2017), the discriminators ResNet-18's stages (He et al., 2016); one 512 x 512 slice a step is what
# fits a 32 GB card with room to spare, and 34,000 steps are 100 passes over its 340 nodules.
_AS_PRINTED = {
    "mask_input": False,
    "conditions": False,
    "contrast": 1.0,
    "residual": False,
    "normalisation": True,
    "hole_pooling": False,
    "stem": 2,
}
_PAPER = Config(
    preset="paper",
    data=Data(lung=True, others=0.0),
    erase=Erase(shape="box", dilation=0),
    generator=Generator(
        filters=64,
        blocks=16,
        mask_input=False,
        noise_input=False,
        conditions=False,
        contrast=1.0,
    ),
    whole=Discriminator(filters=(64, 128, 256, 512), blocks=2, **_AS_PRINTED),
    roi=Discriminator(filters=(64, 128, 256), blocks=1, **_AS_PRINTED),
    loss=Loss(),
    training=Training(
        steps=34_000,
        batch=1,
        learning_rate=1e-4,  # "Construction of the DL model"
        averaging=0.0,
        paste=False,
        decay_from=1.0,
        freeze_from=1.0,
    ),
    stability=Stability(),
)
_SMOKE = Config(
    preset="smoke",
    generator=Generator(filters=8, blocks=2),
    whole=Discriminator(filters=(8, 16)),
    roi=Discriminator(filters=(8, 16)),
    training=Training(steps=20, batch=2, log_every=5, checkpoint_every=10, sample_every=10),
)
PRESETS = {"default": Config(), "paper": _PAPER, "smoke": _SMOKE}


def load(
    preset: str = "default",
    path: pathlib.Path | None = None,
    overrides: tuple[str, ...] = (),
) -> Config:
    """Returns a preset, changed by a YAML file, changed by `section.key=value` overrides.

    Raises:
        ConfigError: The preset or a key is unknown, a value impossible, or the file not YAML.
    """
    return settings_file.load(PRESETS, preset, path, overrides)


def read(path: pathlib.Path) -> Config:
    """Reads a resolved configuration, as `save` writes it.

    Raises:
        ConfigError: The file is missing, not YAML, or not a configuration of this version.
    """
    return settings_file.read(Config, path)


def save(config: Config, path: pathlib.Path) -> None:
    """Writes all settings as YAML."""
    path.write_text(dump(config), encoding="utf-8")


def dump(config: Config) -> str:
    """Returns all settings as YAML."""
    return settings_file.dump(config)
