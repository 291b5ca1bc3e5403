"""Groups from a regular expression and from a CSV file."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2laug.core.errors import UsageError
from l2laug.data.groups import read_groups

PATHS = [Path("data/cat/cam1_0.png"), Path("data/cat/cam2_0.png"), Path("data/dog/cam1_0.png")]


def test_the_first_capture_group_in_the_path_names_the_group():
    assert read_groups(r"cam(\d+)_(\d)", PATHS) == ["1", "2", "1"]
    assert read_groups(r"/cat/(cam\d)", PATHS) == ["cam1", "cam2", None]


def test_a_table_names_files_by_the_end_of_their_path(tmp_path: Path):
    table = tmp_path / "groups.csv"
    table.write_text("group,file\nanna,cat/cam1_0.png\nbert,cam2_0.png\nanna,./dog/cam1_0.png\n")

    assert read_groups(str(table), PATHS) == ["anna", "bert", "anna"]


@pytest.mark.parametrize(
    ("regex", "told"),
    [
        ("cam(", "is no regular expression"),
        ("cam", "has no capture group"),
        (r"lens(\d)", "gives none of the 3 images a group"),
    ],
)
def test_a_bad_expression_is_named_in_one_line(regex: str, told: str):
    with pytest.raises(UsageError, match=told) as raised:
        read_groups(regex, PATHS)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("name,group\na,b\n", "has no column file"),
        ("a,b\n", "has no column file and no column group"),
        ("file,group\ncat/cam1_0.png,a\ncat/cam1_0.png,b\n", "line 3 puts cat/cam1_0.png into"),
        ("file,group\n,a\nx,\n", "line 2 has no file, line 3 has no group"),
        ("file,group\ncam1_0.png,a\n", "cam1_0.png is the name of 2 images"),
        ("file,group\nother.png,a\n", "gives none of the 3 images a group"),
        (b"\xff\xfe\x00", "can't be read"),
    ],
)
def test_a_bad_table_is_named_in_one_line(content: str | bytes, told: str, tmp_path: Path):
    table = tmp_path / "groups.csv"
    table.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(UsageError, match=told) as raised:
        read_groups(str(table), PATHS)
    assert "\n" not in str(raised.value)


def test_a_table_that_is_not_there_is_named():
    with pytest.raises(UsageError, match=r"gone\.csv can't be read: No such file"):
        read_groups("gone.csv", PATHS)
