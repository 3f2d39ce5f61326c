"""Paints with a generator that runs on a server: TensorFlow Serving's REST interface, PNG inside.

`Remote` stands in for `saved.Model`, so that `insert.insert` sends slices of a DICOM series and
gets them back, and `insert.write` writes DICOM. Only pixels and masks leave this machine.
"""

import base64
import dataclasses
import json
import urllib.error
import urllib.request

import numpy as np
import tensorflow as tf

from ggngan_tf import config, errors
from ggngan_tf.synthesis import saved, signatures


@dataclasses.dataclass(frozen=True)
class Remote:
    """A generator behind `http://HOST:8501/v1/models/NAME`.

    Attributes:
        url: As above; `/versions/N` may follow.
        settings: Of the generator, from the `config.yaml` beside it: how a mask is grown before it
            is painted. The default is that of the generator that ships with the package.
        timeout: Seconds to wait for an answer.
    """

    url: str
    settings: config.Config = dataclasses.field(default_factory=config.Config)
    timeout: float = 60.0

    def paint(
        self, image: np.ndarray, mask: np.ndarray, lung: np.ndarray | None, seeds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Paints nodules into slices; arguments and result are those of `saved.Model.paint`.

        `lung` stays here, and is of use to no generator but one that was trained on lung alone.

        Raises:
            ModelError: Nobody answers, the server refuses the request, or the answer is no PNG.
        """
        hole = saved.holes(mask, self.settings.erase)
        stored = (image.astype(np.int32) + signatures.PNG_OFFSET).astype(np.uint16)
        inputs = {
            "image_bytes": [_encode(one) for one in stored],
            "mask_bytes": [_encode(255 * one) for one in hole],
            "seed": np.asarray(seeds).tolist(),
        }
        answer = self._post({"signature_name": "png", "inputs": inputs})
        try:
            painted = np.stack([_decode(one) for one in answer["outputs"]])
        except (KeyError, TypeError, ValueError, tf.errors.OpError) as error:
            raise errors.ModelError(
                f"{self.url}: answered with something else than PNG ({error}); is it a generator "
                "of this package?"
            ) from error
        hu = painted.astype(np.int32) - signatures.PNG_OFFSET
        return np.where(hole, hu, image).astype(np.int16), hole

    def _post(self, request):
        body = json.dumps(request).encode()
        kind = {"Content-Type": "application/json"}
        try:
            sent = urllib.request.Request(f"{self.url}:predict", body, kind)
            with urllib.request.urlopen(sent, timeout=self.timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise errors.ModelError(f"{self.url}: refused ({_reason(error)}).") from error
        except (OSError, ValueError) as error:
            raise errors.ModelError(
                f"{self.url}: no answer ({error}); give http://HOST:8501/v1/models/NAME of a "
                "running TensorFlow Serving."
            ) from error


def _encode(image):
    return {"b64": base64.b64encode(tf.io.encode_png(image[..., None]).numpy()).decode()}


def _decode(answer):
    return tf.io.decode_png(base64.b64decode(answer["b64"]), dtype=tf.uint16).numpy()[..., 0]


def _reason(error):
    text = error.read().decode(errors="replace")
    try:
        return json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"
