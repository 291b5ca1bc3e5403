"""What an ONNX file may hold before anything runs it: plain operators and weights, all inside.

The file is read as protobuf's wire format has it (field numbers of onnx.proto3), since sampling
does without the onnx package; weights are passed over unread.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from l2laug.core.errors import BundleError

STANDARD = ("", "ai.onnx")  # the domains of ONNX's own operators
VARINT, FIXED64, MESSAGE, FIXED32 = 0, 1, 2, 5  # wire types
GRAPH, OPSETS, FUNCTIONS = 7, 8, 25  # of a model
NODES, WEIGHTS, SPARSE = 1, 5, 15  # of a graph
ATTRIBUTES, DOMAIN = 5, 7  # of a node
TENSOR, SUBGRAPH, TENSORS, SUBGRAPHS = 5, 6, 10, 11  # of an attribute
EXTERNAL, LOCATION = 13, 14  # of a tensor
LARGEST = 2**31  # bytes; protobuf ends there

Buffer = memoryview


def check_onnx(path: Path) -> None:
    """Make sure that an ONNX file names no other files and holds nothing but ONNX's operators.

    Graphs within nodes are turned down too, so that none of them can loop for ever.

    Raises:
        BundleError: it does, or it is damaged.
    """
    try:
        large = path.stat().st_size > LARGEST
        problem = "it is too large" if large else _problem_of_model(memoryview(path.read_bytes()))
    except (ValueError, OSError):
        problem = "it is damaged"
    if problem:
        raise BundleError(
            f"{path} can't be loaded: {problem}.", "Do not trust that file; make it again."
        )


def _problem_of_model(content: Buffer) -> str:
    for number, value in _fields(content):
        if number == FUNCTIONS:
            return "it defines operators of its own"
        if number == OPSETS and (problem := _domain_problem(value, 1)):
            return problem
        if number == GRAPH and (problem := _problem_of_graph(value)):
            return problem
    return ""


def _problem_of_graph(content: Buffer | int) -> str:
    for number, value in _fields(content):
        if number == NODES and (problem := _problem_of_node(value)):
            return problem
        if number == SPARSE or (number == WEIGHTS and _is_external(value)):
            return "its weights lie outside of it"
    return ""


def _problem_of_node(content: Buffer | int) -> str:
    if problem := _domain_problem(content, DOMAIN):
        return problem
    for number, value in _fields(content):
        if number != ATTRIBUTES:
            continue
        for inner, part in _fields(value):
            if inner in (SUBGRAPH, SUBGRAPHS):
                return "it holds loops or branches"
            if inner in (TENSOR, TENSORS) and _is_external(part):
                return "its weights lie outside of it"
    return ""


def _domain_problem(content: Buffer | int, field: int) -> str:
    for number, value in _fields(content):
        if number == field:
            name = str(bytes(_message(value)), "utf-8", "replace")
            if name not in STANDARD:
                return f"it uses operators of {name!r}, not ONNX's own"
    return ""


def _is_external(content: Buffer | int) -> bool:
    return any(
        number == EXTERNAL or (number == LOCATION and value) for number, value in _fields(content)
    )


def _message(value: Buffer | int) -> Buffer:
    if isinstance(value, int):
        raise ValueError("a number in place of a message")
    return value


def _fields(content: Buffer | int) -> Iterator[tuple[int, Buffer | int]]:
    """Field numbers and values of a message.

    Raises:
        ValueError: it is none.
    """
    content, place = _message(content), 0
    while place < len(content):
        key, place = _varint(content, place)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, place = _varint(content, place)
            yield number, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(kind)
        if kind == MESSAGE:
            size, place = _varint(content, place)
        if size is None or size > len(content) - place:
            raise ValueError("no protobuf")
        yield number, content[place : place + size]
        place += size


def _varint(content: Buffer, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            raise ValueError("no protobuf")
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("no protobuf")
