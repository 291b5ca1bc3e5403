"""Damage to files as chance and malice do it: of bytes, and of values in JSON and YAML."""

from __future__ import annotations

import copy
import random
from typing import Any

EVIL = (
    None,
    True,
    -1,
    0,
    1e308,
    float("nan"),
    float("inf"),
    2**63,
    10**30,
    "",
    "../../etc/passwd",
    "/dev/zero",
    "a\x00b",
    "<script>alert(1)</script>",
    "\ud800",
    "x" * 5000,
    [],
    {},
    [[[[]]]],
    {"a": {"b": [1]}},
)


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Bytes with one to four of: a bit flipped, a stretch cut, doubled, zeroed or made up."""
    found = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        if not found:
            break
        place = chance.randrange(len(found))
        length = min(chance.choice([1, 2, 4, 16, 256]), len(found) - place)
        kind = chance.randrange(6)
        if kind == 0:
            found[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del found[place : place + length]
        elif kind == 2:
            found[place:place] = found[place : place + length]
        elif kind == 3:
            found[place : place + length] = bytes(length)
        elif kind == 4:
            found[place : place + length] = chance.randbytes(length)
        else:
            del found[place:]
    return bytes(found)


def twisted(value: Any, chance: random.Random) -> Any:
    """Plain data with one to three of its values gone or replaced by ones that can't be."""
    root = {"": copy.deepcopy(value)}
    for _ in range(chance.randint(1, 3)):
        places = list(_places(root))
        holder, key = chance.choice(places[1:] or places)
        if chance.random() < 0.3 and len(places) > 1:
            del holder[key]
        elif chance.random() < 0.2:
            holder[key] = [holder[key]] * 3
        else:
            holder[key] = copy.deepcopy(chance.choice(EVIL))
    return root.get("")


def _places(value: Any) -> Any:
    """Every container and key below a value."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])
