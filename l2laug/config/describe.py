"""Recipe keys as Markdown tables: ``python -m l2laug.config.describe --write`` renews the docs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from l2laug.config.recipe import Recipe
from l2laug.config.training import AdversarialOptions
from l2laug.core.files import write_text

COMMAND = "python -m l2laug.config.describe --write"
DOCS = Path("docs/recipes.md")
BEGIN = f"<!-- keys: written by `{COMMAND}` from the descriptions in l2laug/config -->"
END = "<!-- end of keys -->"
TRAININGS = ("source", "weak", "base", "target")
HEAD = "| key | default | values | meaning |\n|---|---|---|---|"


def key_tables() -> str:
    """Every key of a recipe with its default, allowed values and meaning, a table for each part.

    The keys that the four adversarial trainings share have one table, with a default for each.
    """
    schema = Recipe.model_json_schema()
    parts = {name: _resolved(part, schema) for name, part in schema["properties"].items()}
    plain = {name: part for name, part in parts.items() if "properties" not in part}
    rows = [_row(name, part, name in schema["required"]) for name, part in plain.items()]
    blocks = ["\n".join([HEAD, *rows])]
    shared = list(AdversarialOptions.model_fields)
    for name, part in parts.items():
        if "properties" not in part:
            continue
        if name == TRAININGS[0]:
            blocks += ["**Every training of a generator**", _shared_table(parts, shared)]
        own = part["properties"]
        if name in TRAININGS:
            common = parts[TRAININGS[0]]["properties"]
            own = {k: p for k, p in own.items() if k not in shared or _differs(p, common[k])}
        rows = [_row(f"{name}.{key}", p) for key, p in own.items()]
        blocks += [f"**{part['description']}**", "\n".join([HEAD, *rows])]
    return "\n\n".join(blocks)


def with_tables(text: str) -> str:
    """The page with the tables between its two marks written anew.

    Raises:
        ValueError: the marks are missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCS} has lost its marks: {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{key_tables()}\n\n{END}{after}"


def _differs(part: dict[str, Any], common: dict[str, Any]) -> bool:
    return bool(part["description"] != common["description"])


def _shared_table(parts: dict[str, Any], shared: list[str]) -> str:
    lines = [
        f"| key | {' | '.join(f'`{t}`' for t in TRAININGS)} | values | meaning |",
        "|---|" + "---|" * len(TRAININGS) + "---|---|",
    ]
    for key in shared:
        found = [parts[t]["properties"][key] for t in TRAININGS]
        defaults = " | ".join(_value(p["default"]) for p in found)
        lines.append(f"| `.{key}` | {defaults} | {_values(found[0])} | {found[0]['description']} |")
    return "\n".join(lines)


def _resolved(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A property of a JSON schema with what its reference says behind what it says itself."""
    if "$ref" not in part:
        return part
    return {**schema["$defs"][part["$ref"].rsplit("/", 1)[1]], **part}


def _row(key: str, part: dict[str, Any], required: bool = False) -> str:
    default = "required" if required else _value(part["default"])
    return f"| `{key}` | {default} | {_values(part)} | {part['description']} |"


def _value(default: object) -> str:
    return f"`{json.dumps(default)}`"


def _values(part: dict[str, Any]) -> str:
    """What a property may be, in words, from its JSON schema."""
    if "values" in part:
        return str(part["values"])
    if "anyOf" in part:
        return " or ".join(_values(p) for p in part["anyOf"])
    if "enum" in part:
        return ", ".join(_value(v) for v in part["enum"])
    kind = part.get("type")
    if kind == "array":
        count = part.get("maxItems")
        if "prefixItems" in part:
            return f"{count} of: {_values(part['prefixItems'][0])}"
        return f"{'list' if count is None else f'1 to {count}'} of: {_values(part['items'])}"
    words = {"integer": "whole", "number": "number", "boolean": "true, false", "string": "text"}
    return f"{words.get(str(kind), str(kind))}{_limits(part)}"


def _limits(part: dict[str, Any]) -> str:
    said = [
        f" {sign} {part[key]:g}" if part[key] < 1e6 else f" {sign} {part[key]:,}"
        for key, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "<"),
        )
        if key in part
    ]
    return ",".join(said)


if __name__ == "__main__":
    page = with_tables(DOCS.read_text(encoding="utf-8"))
    if "--write" in sys.argv[1:]:
        write_text(DOCS, page)
    else:
        sys.stdout.write(page)
