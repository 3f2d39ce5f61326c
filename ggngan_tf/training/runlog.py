"""What a run leaves behind for people: log lines, TensorBoard, sample grids, provenance."""

import contextlib
import datetime
import json
import math
import pathlib
import platform
import subprocess
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import ggngan_tf
from ggngan_tf import config, files, inpainting
from ggngan_tf.data import nodules, pipeline


class RunLog:
    """Writes `log.jsonl`, `tensorboard/` and `samples/` of the run folder `out`.

    Steps after `reached` are taken again, so what an earlier process logged of them goes, and with
    it a line that it left half written.
    """

    def __init__(self, out: pathlib.Path, reached: int = 0):
        self.out, self.path = out, out / "log.jsonl"
        self._trim(reached)
        self.writer = tf.summary.create_file_writer(str(out / "tensorboard"))
        (out / "samples").mkdir(parents=True, exist_ok=True)

    def report(self, step: int, figures: dict[str, float]) -> None:
        """Appends one line of figures, and draws them in TensorBoard."""
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        # JSON has no NaN: a figure of a step that was skipped is null.
        known = {k: v if math.isfinite(v) else None for k, v in figures.items()}
        line = json.dumps({"step": step, "time": now} | known)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        with self.writer.as_default(step=step):
            for name, value in figures.items():
                tf.summary.scalar(name, value)
        self.writer.flush()

    def sample(self, step: int, grid: np.ndarray) -> pathlib.Path:
        """Writes a grid, uint8 `(row, column)`, as PNG and into TensorBoard."""
        path = self.out / "samples" / f"{step:07d}.png"
        path.write_bytes(tf.io.encode_png(grid[..., None]).numpy())
        with self.writer.as_default(step=step):
            tf.summary.image("real | erased | synthetic", grid[None, ..., None])
        return path

    def _trim(self, reached):
        if self.path.exists():
            kept = [json.dumps(line) + "\n" for line in read(self.path, reached)]
            files.write_text(self.path, "".join(kept))


def read(path: pathlib.Path, reached: int) -> list[dict[str, Any]]:
    """Returns the lines of a log up to a step; a line that a killed run left half is no line."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            lines.append(json.loads(text))
    return [line for line in lines if line["step"] <= reached]


def grid(columns: list[np.ndarray], window: tuple[float, float], zoom: int = 3) -> np.ndarray:
    """Returns images side by side in lung window, uint8 `(row, column)`.

    Args:
        columns: Each float32 `(image, row, column, 1)` in [0, 1]; one column of the grid.
        window: HU that 0 and 1 stand for.
        zoom: How many pixels across one pixel becomes.
    """
    tall = np.concatenate([np.concatenate(list(images), axis=0) for images in columns], axis=1)
    shown = inpainting.scale(inpainting.unscale(tall[..., 0], window), config.LUNG_WINDOW).numpy()
    return np.kron(np.uint8(np.rint(255 * shown)), np.ones((zoom, zoom), np.uint8))


def provenance(
    data: pathlib.Path, settings: config.Config, parts: dict[str, nodules.NoduleSet]
) -> dict[str, Any]:
    """Returns what a run was made from: versions, the data's SHA-256, its parts, the commit."""
    return {
        "ggngan_tf": ggngan_tf.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
        "data": {
            "file": data.name,
            "sha256": files.sha256(data),
            "nodules": {name: len(part) for name, part in parts.items()},
            "wider_than_painted": pipeline.clipped(parts["train"], settings),
            "licence": parts["train"].attributes.get("licence"),
        },
        "seed": settings.training.seed,
    }


def _commit():
    folder = pathlib.Path(__file__).parent
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None  # installed from a wheel
