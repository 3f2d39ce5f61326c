"""The size that a compressed frame says it has, read before any decoder believes it."""

import struct

import pydicom
from pydicom import encaps

from ggngan_tf import errors

_JPEG2000 = b"\xff\x4f\xff\x51"
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # F7: JPEG-LS
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def check_size(dataset: pydicom.Dataset) -> None:
    """Checks that a JPEG, JPEG-LS or JPEG 2000 frame has the header's rows and columns.

    Decoders allocate by the frame's own numbers, which a damaged file may put at gigabytes.

    Raises:
        DicomError: The two differ, or the frame names no size; the reason alone.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated or "RLE" in syntax.name:
        return
    frame = encaps.get_frame(dataset.PixelData, 0, number_of_frames=1)
    start = frame[:1024].find(_JPEG2000)  # not always at 0: some writers wrap it in a JP2 file
    size = _jpeg2000(frame[start:]) if start >= 0 else _jpeg(frame)
    if size != (dataset.Rows, dataset.Columns):
        found = f"{size[0]} x {size[1]}" if size else "no"
        raise errors.DicomError(
            f"the compressed frame has {found} pixels, "
            f"the header {dataset.Rows} x {dataset.Columns}"
        )


def _jpeg2000(frame):
    width, height, left, top = struct.unpack(">4L", frame[8:24])
    return height - top, width - left


def _jpeg(frame):
    place = 2
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker in _START_OF_FRAME:
            return struct.unpack(">2H", frame[place + 5 : place + 9])
        if marker == 0xFF or marker in _BARE:
            place += 1 if marker == 0xFF else 2
        else:
            place += 2 + struct.unpack(">H", frame[place + 2 : place + 4])[0]
    return None
