"""The functions of the exported model: what other people's programs call, and what it refuses.

TensorFlow Serving passes errors on as they are, so that each check here speaks to its client.
"""

import pathlib

import tensorflow as tf

from ggngan_tf import inpainting
from ggngan_tf.data import conditions
from ggngan_tf.synthesis import painter

PNG_OFFSET = 32768  # added to HU, so that air is not below 0; no HU of int16 is lost
_SLICES = (None, None, None, 1)


class Signatures(tf.Module):
    """The graph functions of the exported model; any size of slice and of batch."""

    def __init__(self, made: painter.Painter):
        super().__init__()
        self.painter = made
        self.roi_size = made.settings.erase.roi_size

    @tf.function
    def paint(self, image, mask, seed):
        """Paints `mask` (1 where to paint) into `image`, both `(batch, row, column, 1)`, HU."""
        hole = _checked_hole(image, mask, seed)
        return {"image": self.painter.hu(image, hole, None, seed)}

    @tf.function
    def paint_asked(
        self,
        image,
        mask,
        seed,
        texture,
        malignancy,
        density,
        spread,
        skewness,
        kurtosis,
        correlation,
        structure,
        edge,
        lung=None,
    ):
        """Likewise, nodules of a texture grade, a malignancy rating (1 to 5), a mean density and a
        standard deviation (HU), a skewness, a kurtosis (3: a normal distribution's), a
        correlation of neighbouring pixels, a share of the variance that means over 5 x 5 pixels
        keep, and an edge that lies so many HU above the mean, each float32 `(batch,)`; NaN leaves
        one to chance. A generator that sees the lung only is given the lung region too."""
        hole = _checked_hole(image, mask, seed)
        hu = [density, spread, skewness, kurtosis, correlation, structure, edge]
        asked = tf.stack([texture, malignancy, *hu], axis=1)
        checks = [
            _check(tf.shape(asked)[0] == tf.shape(image)[0], "conditions must be one a slice"),
            _check_range("texture", texture, 1.0, 5.0),
            _check_range("malignancy", malignancy, 1.0, 5.0),
            _check_range("density", density, *self.painter.settings.data.window),
            _check_range("spread", spread, 0.0, 500.0),
            _check_range("skewness", skewness, -10.0, 10.0),
            _check_range("kurtosis", kurtosis, 1.0, 100.0),
            _check_range("correlation", correlation, -1.0, 1.0),
            _check_range("structure", structure, 0.0, 1.0),
            _check_range("edge", edge, -500.0, 500.0),
        ]
        with tf.control_dependencies(checks):
            asked = tf.identity(asked)
        return {"image": self.painter.hu(image, hole, lung, seed, asked)}

    @tf.function
    def paint_lung(self, image, mask, lung, seed):
        """Likewise, with the lung region that the generator was trained to see nothing outside."""
        hole = _checked_hole(image, mask, seed)
        return {"image": self.painter.hu(image, hole, lung, seed)}

    @tf.function
    def paint_roi(self, image, centre, seed):
        """Paints the paper's square around `centre`, int32 `(batch, 2)`: row and column."""
        rows, columns = tf.shape(image)[1], tf.shape(image)[2]
        size = self.roi_size
        checks = [
            _check(tf.minimum(rows, columns) >= size, f"image must be {size} x {size} or larger"),
            _check(tf.shape(centre)[0] == tf.shape(image)[0], "centre must have one row a slice"),
            _check((centre >= 0) & (centre < [rows, columns]), "centre must lie on the slice"),
        ]
        with tf.control_dependencies(checks):
            mask = inpainting.box(centre, size, rows, columns)
        return self.paint(image, mask, seed)

    @tf.function
    def paint_png(self, image_bytes, mask_bytes, seed):
        """Likewise from PNG to PNG: 16-bit grey images of HU + 32768, masks of 0 and above."""
        with tf.control_dependencies(_png_checks(image_bytes, mask_bytes)):
            stored = _decode(image_bytes, tf.uint16)
            mask = _decode(mask_bytes, tf.uint8)
        hu = tf.cast(stored, tf.float32) - PNG_OFFSET
        painted = self.paint(hu, tf.cast(mask > 0, tf.float32), seed)["image"]
        stored = tf.clip_by_value(tf.round(painted) + PNG_OFFSET, 0.0, 65535.0)
        encoded = tf.map_fn(
            tf.io.encode_png, tf.cast(stored, tf.uint16), fn_output_signature=tf.string
        )
        return {"image_bytes": encoded}


def save(made: painter.Painter, folder: pathlib.Path) -> None:
    """Writes the SavedModel's own files with all signatures; `lung` only where it is used."""
    module = Signatures(made)
    image, mask = _named(_SLICES, "image"), _named(_SLICES, "mask")
    seed, centre = _named((None,), "seed", tf.int32), _named((None, 2), "centre", tf.int32)
    png = [_named((None,), name, tf.string) for name in ("image_bytes", "mask_bytes")]
    functions = {
        "serving_default": module.paint.get_concrete_function(image, mask, seed),
        "roi": module.paint_roi.get_concrete_function(image, centre, seed),
        "png": module.paint_png.get_concrete_function(*png, seed),
    }
    lung = [_named(_SLICES, "lung")] * made.settings.data.lung
    if made.settings.generator.conditions:
        asked = [_named((None,), name) for name in conditions.NAMES]
        functions["conditioned"] = module.paint_asked.get_concrete_function(
            image, mask, seed, *asked, *lung
        )
    if lung:
        functions["lung"] = module.paint_lung.get_concrete_function(image, mask, *lung, seed)
    tf.saved_model.save(module, str(folder), functions)


def _named(shape, name, dtype=tf.float32):
    return tf.TensorSpec(shape, dtype, name)


def _check(condition, words):
    return tf.debugging.Assert(tf.reduce_all(condition), [words])


def _check_range(name, value, low, high):
    fits = tf.math.is_nan(value) | ((value >= low) & (value <= high))
    return _check(fits, f"{name} must lie between {low:g} and {high:g}, or be NaN")


def _checked_hole(image, mask, seed):
    """Returns the mask as 0 and 1, or fails in the graph with words that a server passes on."""
    same = tf.reduce_all(tf.shape(image) == tf.shape(mask))
    marked = tf.reduce_any(mask > 0.5, axis=(1, 2, 3))
    checks = [
        tf.debugging.Assert(
            same, ["mask must have the shape of image:", tf.shape(mask), tf.shape(image)]
        ),
        _check(tf.shape(image)[0] > 0, "image must hold at least one slice"),
        _check(tf.size(seed) == tf.shape(image)[0], "seed must have one number a slice"),
        _check(tf.math.is_finite(image), "image must be finite HU"),
        _check(marked, "each mask must mark at least one pixel to paint"),
    ]
    with tf.control_dependencies(checks):
        return tf.cast(mask > 0.5, tf.float32)


def _png_checks(image_bytes, mask_bytes):
    whole = [
        _check(tf.strings.length(data) > 33, f"{name} must be PNG files")
        for data, name in ((image_bytes, "image_bytes"), (mask_bytes, "mask_bytes"))
    ]
    with tf.control_dependencies(whole):
        # A PNG's header: width and height from byte 16 on, bits a sample in byte 24, then colours.
        kinds = tf.strings.substr(image_bytes, 24, 2)
        size, mask_size = (
            tf.io.decode_raw(tf.strings.substr(data, 16, 8), tf.int32, little_endian=False)
            for data in (image_bytes, mask_bytes)
        )
    one_size = tf.reduce_all(size == size[:1]) & tf.reduce_all(mask_size == size[:1])
    return [
        _check(tf.size(image_bytes) == tf.size(mask_bytes), "mask_bytes must be as many as images"),
        _check(kinds == b"\x10\x00", "image_bytes must be 16-bit grey PNG of HU + 32768"),
        _check(one_size, "image_bytes and mask_bytes of one request must be of one size"),
    ]


def _decode(data, dtype):
    return tf.map_fn(
        lambda one: tf.io.decode_png(one, channels=1, dtype=dtype),
        data,
        fn_output_signature=tf.TensorSpec((None, None, 1), dtype),
    )
