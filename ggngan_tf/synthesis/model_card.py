"""The page that tells people what a model is, what it was made from and what it is not for."""

from typing import Any

from ggngan_tf import config
from ggngan_tf.synthesis import painter

_PAGE = """# {name}, version {version}

Paints ground glass nodules into slices of chest CT. **Research use only: not a medical device.**
Whatever it paints is synthetic and has to be marked so wherever it goes.

| what | value |
| --- | --- |
| architecture | SRGAN without up-sampling, {filters} filters, {blocks} residual blocks |
| precision | {precision} |
| trained for | {steps} steps, preset `{preset}`, seed {seed} |
| intensities | HU; {low:.0f} to {high:.0f} HU are seen and painted, what lies outside is clipped |
| sees | {sees} |
| painted region | {region} |
| largest region | {limit} x {limit} pixels; more is refused |
| context | {margin} pixels around each pixel; nothing farther away changes it |
| data | {data} |
| metrics | {metrics} |
| licence | {licence} |

## Signatures
All sizes of slice and batch; `image` is float32 `(batch, rows, columns, 1)` in HU, in and out.

| name | inputs | output |
| --- | --- | --- |
| `serving_default` | `image`, `mask` (same shape, 1: paint), `seed` int32 `(batch)` | `image` |
| `roi` | `image`, `centre` int32 `(batch, 2)`, `seed` | `image`; {roi} x {roi} pixels |
| `png` | `image_bytes` (16-bit PNG of HU + 32768), `mask_bytes` (PNG), `seed` | `image_bytes` |
{more}
Pixels outside the mask come back bit for bit. The same seed paints the same nodule.

## Limits
- One slice at a time: neighbouring slices know nothing of each other.
- It paints what its training set showed: nodules of other sizes, scanners or kernels may not look
  real, and nobody has shown that they carry the signs of a disease.
- Wider than {seen} pixels was not seen in training.
"""
_PRECISIONS = {
    "float32": "float32",
    "bfloat16": "convolutions in bfloat16, which is slow without AMX or AVX512-BF16; the rest, "
    "what goes in and what comes out float32",
}
_CONDITIONED = (
    "| `conditioned` | as `serving_default`, and `texture`, `malignancy` (1 to 5), `density`, "
    "`spread` (HU, mean and standard deviation), `skewness`, `kurtosis`, `correlation`, "
    "`structure`, `edge` (HU), each float32 `(batch)`, NaN: drawn | `image` |\n"
)
_LUNG = "| `lung` | as `serving_default`, and `lung` (1 inside the lung) | `image` |\n"


def write(made: painter.Painter, name: str, version: str, manifest: dict[str, Any]) -> str:
    """Returns the card, Markdown.

    Args:
        made: The model.
        name: Under which it is served.
        version: Its number.
        manifest: What is known of it; see `export.export`.
    """
    settings = made.settings
    low, high = settings.data.window
    return _PAGE.format(
        name=name,
        version=version,
        filters=settings.generator.filters,
        blocks=settings.generator.blocks,
        precision=_PRECISIONS[made.precision],
        steps=manifest["steps"],
        preset=settings.preset,
        seed=settings.training.seed,
        low=low,
        high=high,
        sees=_sees(settings),
        region=_region(settings.erase),
        limit=made.limit,
        margin=made.margin,
        data=_data(manifest["data"]),
        metrics=_metrics(manifest["metrics"]),
        licence=manifest["licence"],
        roi=settings.erase.roi_size,
        more=_CONDITIONED * settings.generator.conditions + _LUNG * settings.data.lung,
        seen=settings.region,
    )


def _sees(settings: config.Config):
    given = settings.generator
    parts = ["the slice with the region blanked"]
    parts += ["the region's shape"] * given.mask_input + ["noise from the seed"] * given.noise_input
    parts += ["texture grade, malignancy rating, mean and spread of HU"] * given.conditions
    parts += ["their skewness, kurtosis, correlation, structure and edge"] * given.conditions
    return ", ".join(parts) + ("; trained on lung alone" if settings.data.lung else "")


def _region(erase: config.Erase):
    if erase.shape == "box":
        return f"a square of {erase.roi_size} pixels"
    return f"a nodule's outline and {erase.dilation} pixels around it"


def _data(data):
    if not data:
        return "not recorded"
    licence = data.get("licence") or "licence not recorded"
    return f"`{data['file']}`, SHA-256 `{data['sha256']}`, nodules {data['nodules']}, {licence}"


def _metrics(metrics):
    if not metrics:
        return "none recorded at export"
    return ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in metrics.items()
        if isinstance(value, int | float | str)
    )
