"""HU to [0, 1] and back, erase, local window, paste.

TensorFlow functions that the input pipeline, the training step and the exported graph all share,
so that they cannot differ. Batches are float32 `(batch, row, column, channel)`.
"""

import tensorflow as tf

from ggngan_tf import config

CLOUDS = (2.0, 6.0)  # pixels, of the noise that is smooth; nodules are 8 to 48 wide
SCALES = 1 + len(CLOUDS)  # channels of noise; the first is white


def scale(hu: tf.Tensor, window: tuple[float, float]) -> tf.Tensor:
    """Returns HU clipped to `window` and scaled to [0, 1], float32, any shape."""
    low, high = window
    return (tf.clip_by_value(tf.cast(hu, tf.float32), low, high) - low) / (high - low)


def unscale(image: tf.Tensor, window: tuple[float, float]) -> tf.Tensor:
    """Returns [0, 1] as HU, float32, any shape; the inverse of `scale` inside the window."""
    low, high = window
    return image * (high - low) + low


def box(centre: tf.Tensor, size: int, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Returns squares of ones in zeros, `(batch, rows, columns, 1)` float32.

    Args:
        centre: int32 `(batch, 2)`, row and column; a square of even size has one pixel more
            before its centre than behind it.
        size: Side in pixels; a square that would leave the image is moved inside.
        rows: Height of the image in pixels.
        columns: Width of the image in pixels.
    """
    origin = window_origin(centre, size, (rows, columns))
    row, column = tf.range(rows)[None], tf.range(columns)[None]
    in_rows = (row >= origin[:, :1]) & (row < origin[:, :1] + size)
    in_columns = (column >= origin[:, 1:]) & (column < origin[:, 1:] + size)
    return tf.cast((in_rows[:, :, None] & in_columns[:, None, :])[..., None], tf.float32)


def dilate(mask: tf.Tensor, pixels: int) -> tf.Tensor:
    """Returns a mask of zeros and ones grown by `pixels` along rows and columns, same shape."""
    for _ in range(pixels):  # a cross at a time, since a square would grow fastest at its corners
        across = tf.nn.max_pool2d(mask, (1, 3), 1, "SAME")
        down = tf.nn.max_pool2d(mask, (3, 1), 1, "SAME")
        mask = tf.maximum(across, down)
    return mask


def erase(image: tf.Tensor, hole: tf.Tensor) -> tf.Tensor:
    """Returns `image` with 0 where `hole` is 1 (Methods, "Image preprocessing")."""
    return image * (1.0 - hole)


def paste(image: tf.Tensor, painted: tf.Tensor, hole: tf.Tensor) -> tf.Tensor:
    """Returns `painted` where `hole` is 1 and `image`, bit for bit, elsewhere."""
    return tf.where(hole > 0.5, painted, image)


def generator_input(
    erased: tf.Tensor,
    hole: tf.Tensor,
    noise: tf.Tensor,
    conditions: tf.Tensor,
    settings: config.Generator,
) -> tf.Tensor:
    """Returns what the generator sees: the erased image and what else the settings ask for.

    Args:
        erased: `(batch, row, column, 1)` in [0, 1].
        hole: The same shape, ones where to paint.
        noise: As `noise` draws it; seen inside the hole only.
        conditions: `(batch, condition)`, about -1 to 1; seen inside the hole only.
        settings: Which of them are channels.
    """
    channels = [erased * settings.contrast] + [hole] * settings.mask_input
    channels += [noise * hole] * settings.noise_input
    channels += [planes(conditions, hole)] * settings.conditions
    return tf.concat(channels, axis=-1)


def noise(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Returns noise of three scales, each standard normal, `(batch, row, column, 3)`.

    White noise for texture; clouds a nodule's parts are wide, which few layers of 3 x 3 could not
    gather from it.

    Args:
        shape: int32 `(3,)`: batch, rows, columns.
        seed: int32 `(2,)`.
    """
    batch, rows, columns = tf.unstack(shape)
    drawn = [tf.random.stateless_normal((batch, rows, columns), seed)]
    for number, width in enumerate(CLOUDS, 1):
        down, across = (_bumps(length, width) for length in (rows, columns))
        coarse = (batch, tf.shape(down)[1], tf.shape(across)[1])
        drops = tf.random.stateless_normal(coarse, tf.add(seed, [0, number]))
        drawn.append(tf.einsum("rg,bgh,ch->brc", down, drops, across))
    return tf.stack(drawn, axis=-1)


def _bumps(length, width):
    """Returns `(length, drop)`: Gaussians `width` apart and wide, each row of length 1."""
    middle = tf.range(-2.0, tf.cast(length, tf.float32) / width + 2.0)
    pixel = tf.range(tf.cast(length, tf.float32)) / width
    return tf.math.l2_normalize(tf.exp(-0.5 * (pixel[:, None] - middle) ** 2), axis=1)


def planes(conditions: tf.Tensor, hole: tf.Tensor) -> tf.Tensor:
    """Returns one channel a condition, its value inside the hole and 0 outside.

    Args:
        conditions: `(batch, condition)`.
        hole: `(batch, row, column, 1)`.
    """
    return hole * conditions[:, None, None, :]


def residual(image: tf.Tensor) -> tf.Tensor:
    """Returns `image` less its blurred self: noise and fine texture, `(batch, row, column, 1)`."""
    weights = tf.constant([1.0, 4.0, 6.0, 4.0, 1.0], image.dtype) / 16.0  # binomial, 1 pixel wide
    padded = tf.pad(image, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")
    down = tf.nn.conv2d(padded, weights[:, None, None, None], 1, "VALID")
    return image - tf.nn.conv2d(down, weights[None, :, None, None], 1, "VALID")


def window_origin(centre: tf.Tensor, size: int, shape: tuple[int, int]) -> tf.Tensor:
    """Returns the first pixel of a square window around `centre`, kept inside the image.

    Args:
        centre: int32 `(batch, 2)`, row and column.
        size: Side of the window in pixels, at most that of the image.
        shape: Rows and columns of the image.

    Returns:
        int32 `(batch, 2)`.
    """
    last = tf.stack(shape) - size
    return tf.clip_by_value(centre - size // 2, 0, last)


def crop(images: tf.Tensor, origin: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
    """Returns a rectangle of each image, `(batch, rows, columns, channel)`.

    Args:
        images: `(batch, row, column, channel)`.
        origin: int32 `(batch, 2)`, the rectangle's first row and column.
        rows: Its height in pixels.
        columns: Its width in pixels.
    """
    down, across = origin[:, :1] + tf.range(rows), origin[:, 1:] + tf.range(columns)
    return tf.gather(tf.gather(images, down, batch_dims=1), across, axis=2, batch_dims=1)


def crop_beyond(images: tf.Tensor, origin: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a square of each image, 0 beyond the image, and 1 where it lies inside.

    Args:
        images: `(batch, row, column, channel)`.
        origin: int32 `(batch, 2)`, first row and column; may lie beyond the image.
        size: Side in pixels.

    Returns:
        `(batch, size, size, channel)` and `(batch, size, size, 1)`, both of `images`' type.
    """
    lines = [origin[:, axis, None] + tf.range(size) for axis in (0, 1)]
    sides = tf.shape(images)[1:3]
    down, across = ((line >= 0) & (line < sides[axis]) for axis, line in enumerate(lines))
    inside = tf.cast(down[:, :, None] & across[:, None, :], images.dtype)[..., None]
    rows, columns = (tf.clip_by_value(line, 0, sides[axis] - 1) for axis, line in enumerate(lines))
    square = tf.gather(tf.gather(images, rows, batch_dims=1), columns, axis=2, batch_dims=1)
    return square * inside, inside


def place(images: tf.Tensor, rectangles: tf.Tensor, origin: tf.Tensor) -> tf.Tensor:
    """Returns `images` with a rectangle of each replaced, the inverse of `crop`.

    Args:
        images: `(batch, row, column, channel)`.
        rectangles: `(batch, rows, columns, channel)`.
        origin: int32 `(batch, 2)`.
    """
    batch, rows, columns = tf.unstack(tf.shape(rectangles)[:3])
    down = (origin[:, :1] + tf.range(rows))[:, :, None]
    across = (origin[:, 1:] + tf.range(columns))[:, None, :]
    item = tf.range(batch)[:, None, None]
    index = [tf.broadcast_to(part, (batch, rows, columns)) for part in (item, down, across)]
    return tf.tensor_scatter_nd_update(images, tf.stack(index, axis=-1), rectangles)
