import errno
import hashlib

import pytest

from ggngan_tf import errors, files


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "result.txt"
    with pytest.raises(RuntimeError), files.atomic_file(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list((tmp_path / "deep").iterdir()) == []
    files.write_text(path, "whole")
    assert path.read_text() == "whole"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "result.txt"
    files.write_text(path, "old")
    with pytest.raises(RuntimeError), files.atomic_file(path) as temporary:
        temporary.write_text("new")
        raise RuntimeError
    assert path.read_text() == "old"


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    def fill_up():
        with files.atomic_file(tmp_path / "x"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(errors.OutputError, match=r"x: cannot be written \(No space left"):
        fill_up()


def test_a_folder_takes_the_place_of_an_old_one_whole(tmp_path):
    out = tmp_path / "out"
    (out / "old").mkdir(parents=True)
    with files.atomic_folder(out) as folder:
        (folder / "new.txt").write_text("x")
    assert [p.name for p in out.iterdir()] == ["new.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_there_is_not_overwritten(tmp_path, kind):
    path = tmp_path / "taken"
    if kind == "file":
        path.write_text("x")
    else:
        path.mkdir()
        files.check_new(path)  # an empty folder is free
        (path / "x").write_text("x")
    with pytest.raises(errors.OutputError, match="exists already"):
        files.check_new(path)
    files.check_new(path, force=True)


def test_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"ground glass" * 200_000)
    assert files.sha256(tmp_path / "x") == hashlib.sha256(b"ground glass" * 200_000).hexdigest()
