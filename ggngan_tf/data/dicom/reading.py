"""Opens one DICOM file, however damaged, without a crash, a hang or a huge allocation."""

import io
import os
import pathlib
import struct
import warnings
import zlib
from typing import BinaryIO

import pydicom
from pydicom import uid

from ggngan_tf import errors

MAX_BYTES = 1 << 26  # ours; the largest slice that is read has 32 MiB of pixels
_MAGIC = b"DICM"
# Data sets without a preamble start with group 2 or 8, in either byte order.
_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")


def read(source: pathlib.Path | bytes, pixels: bool = True) -> pydicom.Dataset:
    """Reads one file, with or without preamble and file meta information.

    Args:
        source: The file, or its bytes.
        pixels: False stops before the pixel data and reads the header only.

    Raises:
        DicomError: The file cannot be opened, is too large, is not DICOM, or is damaged.
    """
    name = "bytes" if isinstance(source, bytes) else str(source)
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            _check_start(file, name)
            return _parse(_Capped(file), name, pixels)
    except OSError as error:
        reason = error.strerror or error
        raise errors.DicomError(f"{name}: cannot be read ({reason}); check the file.") from error


class _Capped:
    """Never reads past the end: a damaged length would make Python allocate gigabytes."""

    def __init__(self, file: BinaryIO):
        self._file, self._size = file, _size(file)
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        left = max(self._size - self.tell(), 0)
        return self._file.read(left if size is None or size < 0 else min(size, left))


def _size(file):
    here = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(here)
    return size


def _check_start(file, name):
    size = _size(file)
    if size == 0:
        raise errors.DicomError(f"{name}: is empty; copy the file again.")
    if size > MAX_BYTES:
        raise errors.DicomError(
            f"{name}: has {size:,} bytes, the limit is {MAX_BYTES:,}; give single-frame slices."
        )
    start = file.read(132)
    if start[128:] != _MAGIC and start[:2] not in _GROUPS:
        raise errors.DicomError(f"{name}: is not DICOM; give DICOM files.")
    file.seek(0)


def _parse(file, name, pixels):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check_inflated(file, name)
            dataset = pydicom.dcmread(file, force=True, stop_before_pixels=not pixels)
            _name_syntax(dataset)
            return dataset
    except (errors.DicomError, OSError):
        raise
    except Exception as error:  # a damaged file makes pydicom raise nearly anything
        raise errors.DicomError(
            f"{name}: is damaged ({summary(error)}); copy the file again or leave it out."
        ) from error


def _name_syntax(dataset):
    """Names the transfer syntax of a file that has no meta information, as pydicom found it."""
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        explicit = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else explicit


def _check_inflated(file, name):
    """Refuses a deflated file that would fill the memory: a kilobyte may hold a megabyte."""
    start = file.read(1024)
    deflated = uid.DeflatedExplicitVRLittleEndian.encode() in start[128:]
    if deflated:
        file.seek(144 + struct.unpack("<L", start[140:144])[0])
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(file.read(), MAX_BYTES + 1)
        if len(inflated) > MAX_BYTES:
            raise errors.DicomError(
                f"{name}: inflates to more than {MAX_BYTES:,} bytes; give single-frame slices."
            )
    file.seek(0)


def summary(error: Exception) -> str:
    """Returns the first line of what a library said, cut to a length that fits one message."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:120]
