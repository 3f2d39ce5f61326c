"""Damages the bytes of a file at random: what disks, networks and careless programs do to it."""

import numpy as np

_EXTREMES = (b"\x00\x00", b"\xff\xff", b"\xff\xff\xff\xff", b"\xfe\xff\xff\x7f", b"\x00\x80", b"UN")


def damage(content: bytes, seed: int) -> bytes:
    """Returns `content` after one to four random accidents that follow from `seed`."""
    random = np.random.default_rng(seed)
    for _ in range(random.integers(1, 5)):
        content = _ACCIDENTS[random.integers(len(_ACCIDENTS))](content, random)
    return content


def _place(content, random):
    """Draws a place, mostly in the header or the start of a codestream."""
    reach = min(len(content), int(random.choice([400, 1800, 2600, len(content)])))
    return int(random.integers(0, max(reach, 1)))


def _flip(content, random):
    changed = bytearray(content)
    for _ in range(random.integers(1, 9)):
        if changed:
            changed[_place(content, random)] ^= 1 << int(random.integers(8))
    return bytes(changed)


def _overwrite(content, random):
    place, piece = _place(content, random), _EXTREMES[random.integers(len(_EXTREMES))]
    return content[:place] + piece + content[place + len(piece) :]


def _scramble(content, random):
    place, length = _place(content, random), int(random.integers(1, 64))
    return content[:place] + random.bytes(length) + content[place + length :]


def _truncate(content, random):
    return content[: random.integers(0, len(content) + 1)]


def _cut(content, random):
    place = _place(content, random)
    return content[:place] + content[place + int(random.integers(1, 200)) :]


def _repeat(content, random):
    place = _place(content, random)
    return content[:place] + content[place : place + int(random.integers(1, 200))] + content[place:]


_ACCIDENTS = (_flip, _flip, _overwrite, _overwrite, _scramble, _truncate, _cut, _repeat)
