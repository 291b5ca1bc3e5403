"""What reading does not keep of a file is said: pages, colour spaces, types of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from l2laug.data.images.file_notes import file_notes


def test_what_is_not_kept_is_said_once_for_all_files(tmp_path: Path) -> None:
    grey, print_ = Image.new("L", (8, 8), 9), Image.new("CMYK", (8, 8))
    files = [tmp_path / name for name in ("a.gif", "b.tif", "c.jpg", "d.tif", "e.png", "f.png")]
    grey.save(files[0], save_all=True, append_images=[Image.new("L", (8, 8), 99)])
    grey.save(files[1], save_all=True, append_images=[grey, grey])
    print_.save(files[2])
    tifffile.imwrite(files[3], np.zeros((8, 8)))
    grey.save(files[4])
    files[5].write_text("no image")
    pages, cmyk, floats = file_notes(files)
    assert pages == (
        f"2 of the files, such as {files[0]}, have several pages or frames: the first one is used"
    )
    assert cmyk.startswith(f"1 of the files, such as {files[2]}, has CMYK colours")
    assert floats.endswith(
        "has numbers of type float64: they and their samples become 32-bit floats"
    )
    assert file_notes(files[4:]) == []
