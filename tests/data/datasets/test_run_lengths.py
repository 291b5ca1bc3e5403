import numpy as np
import pytest

from l2laug.data.datasets.run_lengths import RunLengths


def test_a_mask_whose_lengths_are_known():
    mask = np.zeros((3, 4), bool)
    mask[1, 1:3] = True  # down the columns: 4 zeros, 1 one, 2 zeros, 1 one, 4 zeros
    lengths = RunLengths.of_mask(mask, compressed=False)
    assert lengths.to_json() == {"size": [3, 4], "counts": [4, 1, 2, 1, 4]}
    assert (RunLengths.of_json(lengths.to_json()).mask() == mask).all()


@pytest.mark.parametrize("seed", range(4))
def test_strings_are_those_of_pycocotools(seed):
    coco = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(seed)
    mask = np.kron(random.random((7, 5)) < 0.4, np.ones((1 + 20 * seed, 3))).astype(bool)
    theirs = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    ours = RunLengths.of_mask(mask)
    assert ours.to_json() == {"size": list(theirs["size"]), "counts": theirs["counts"].decode()}
    assert (RunLengths.of_json(ours.to_json()).mask() == mask).all()


@pytest.mark.parametrize(
    "value",
    [{"size": [2, 2]}, {"size": [2, 2], "counts": [1, 1]}, {"size": [2, 2], "counts": "~"}, 3],
)
def test_what_is_no_encoding_is_an_error(value):
    with pytest.raises(ValueError, match=r"run|length"):
        RunLengths.of_json(value)
