"""Source classes: of a folder but for the rare ones, or of a data set fetched once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import platformdirs
import pytest
import torchvision

from l2laug.core.errors import ImageError
from l2laug.data.base_classes import source_classes
from l2laug.data.folders import class_folders
from l2laug.data.public_sources import source_folder


class FakeOmniglot:
    """Lays out what torchvision's unpacks: two alphabets of two characters in either half."""

    fetched: ClassVar[list[bool]] = []

    def __init__(self, root: str, background: bool, download: bool) -> None:
        assert download
        self.fetched.append(background)
        self.target_folder = Path(root) / f"images_{background}"
        for alphabet in ("Latin", "Greek"):
            for character in ("character01", "character02"):
                folder = self.target_folder / f"{alphabet}{background}" / character
                folder.mkdir(parents=True)
                (folder / "0001_01.png").write_bytes(b"")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def test_a_folder_is_taken_as_it_is(tmp_path: Path):
    (tmp_path / "omniglot").mkdir()

    assert source_folder(Path("omniglot")) == Path("omniglot")
    assert source_folder(Path("elsewhere")) == Path("elsewhere")


def test_omniglot_is_fetched_once_and_each_character_is_a_class(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torchvision.datasets, "Omniglot", FakeOmniglot)
    monkeypatch.setattr(FakeOmniglot, "fetched", [])
    found = source_folder(Path("omniglot"))

    assert len(class_folders(found)) == 8
    assert "GreekTrue-character02" in class_folders(found)
    assert source_folder(Path("omniglot")) == found
    assert FakeOmniglot.fetched == [True, False]


def test_without_a_network_a_folder_is_asked_for_and_nothing_is_left(
    cache: Path, monkeypatch: pytest.MonkeyPatch
):
    def offline(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.datasets, "Omniglot", offline)
    with pytest.raises(ImageError, match=r"no route to host.*folder of class folders"):
        source_folder(Path("omniglot"))
    assert [p for p in cache.rglob("*") if p.is_file()] == []


def test_the_rare_class_is_no_source_class(digits: Path):
    name = sorted(class_folders(digits))[0]
    left = source_classes(digits, digits / name)

    assert set(class_folders(digits)) - set(left) == {name}
    assert set(source_classes(digits, digits.parent / "elsewhere")) == set(class_folders(digits))
    with pytest.raises(ImageError, match="holds no class but"):
        source_classes(digits, digits)


def test_a_class_called_like_the_rare_one_is_no_source_class(digits: Path, rare: Path):
    assert set(class_folders(digits)) - set(source_classes(digits, rare)) == {"3"}
    assert set(class_folders(digits)) - set(source_classes(digits, rare.parent)) == {"3"}
