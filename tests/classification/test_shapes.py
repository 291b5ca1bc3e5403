"""Images in the shapes that heads want."""

from __future__ import annotations

from dataclasses import replace

import pytest

from l2laug.classification.heads.registry import images_of
from l2laug.classification.shapes import Shapes
from l2laug.classification.study import StudyData
from tests.classification.heads.test_probe import squares


@pytest.fixture
def data() -> StudyData:
    return StudyData(squares((4, 2), 0), squares((3, 3), 1), "b", squares((0, 5), 2).pixels)


def test_images_are_read_again_once_where_they_can_be(data: StudyData):
    asked: list[tuple[int, int]] = []

    def larger(side: int, channels: int) -> StudyData:
        asked.append((side, channels))
        return replace(data, rare="a")

    shapes = Shapes(replace(data, larger=larger))

    assert shapes.at(32, 3).rare == "b", "at their own size they are at hand"
    assert shapes.at(96, 3).rare == shapes.at(96, 3).rare == "a"
    assert asked == [(96, 3)]


def test_elsewhere_they_are_resized_and_grey_ones_get_colours(data: StudyData):
    grey = [replace(part, pixels=part.pixels[:, :1]) for part in (data.train, data.test)]
    shapes = Shapes(StudyData(*grey, "b", data.samples[:, :1]))

    found = shapes.at(64, 3)

    assert found.train.pixels.shape == (6, 3, 64, 64)
    assert found.samples.shape == (5, 3, 64, 64)
    assert (found.samples[:, 0] == found.samples[:, 2]).all()
    # A square of 14 bright pixels is one of 28 now: the middle of each keeps its light.
    assert abs(int(found.train.pixels[0, 0, 14, 14]) - int(grey[0].pixels[0, 0, 7, 7])) < 60
    assert shapes.at(32, 1).train is grey[0]


def test_each_head_sees_images_of_its_size(data: StudyData):
    large = Shapes(Shapes(data).at(64, 3))

    sides = {
        name: images_of(name, large).train.pixels.shape[-1]
        for name in ("probe", "tune", "small", "resnet18@pretrained")
    }

    assert sides == {"probe": 128, "tune": 96, "small": 48, "resnet18@pretrained": 64}
    assert images_of("small", Shapes(data)).train.pixels.shape == (6, 3, 32, 32)
