"""Files that hold many samples: WebDataset's tar shards, and Parquet with an image column."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from l2laug.sampling.writing.job import TAR

ROWS = 100  # of a row group, held in memory until it is written

# As the datasets library describes columns, so that the first one is read as images.
IMAGE = {"_type": "Image"}
FEATURES: Mapping[str, Any] = {
    "image": IMAGE,
    "label": {"dtype": "string", "_type": "Value"},
    "support": {"dtype": "string", "_type": "Value"},
    "similarity": {"dtype": "float64", "_type": "Value"},
    "tries": {"dtype": "int64", "_type": "Value"},
    "accepted": {"dtype": "bool", "_type": "Value"},
    "seed": {"dtype": "int64", "_type": "Value"},
    "index": {"dtype": "int64", "_type": "Value"},
}


class Container(Protocol):
    """A file that samples are added to, and closed by leaving a ``with`` block."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def add(self, entry: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Add a sample: its entry of the manifest, its files by their names below the folder."""


def open_container(path: Path, kind: str) -> Container:
    """A new file at ``path``, ``tar`` or ``parquet``.

    Raises:
        ModuleNotFoundError: Parquet needs pyarrow.
    """
    return TarShard(path) if kind == TAR else ParquetFile(path)


class TarShard:
    """A plain tar file as WebDataset reads it: of each sample ``KEY.png`` and ``KEY.json``.

    Times and owners are left out, so that the same samples give the same bytes.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 closed below

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def add(self, entry: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Add a sample."""
        for name, content in files.items():
            self._put(name, content)
        about = json.dumps(entry, ensure_ascii=False).encode()
        self._put(str(Path(entry["file"]).with_suffix(".json").as_posix()), about)

    def _put(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self._tar.addfile(member, io.BytesIO(content))


class ParquetFile:
    """A Parquet file with a column ``image`` of bytes and path, and what the manifest says.

    Args:
        path: of the file.
        features: its columns, as the datasets library describes them.
    """

    def __init__(self, path: Path, features: Mapping[str, Any] = FEATURES) -> None:
        import pyarrow
        import pyarrow.parquet

        columns = [(name, _arrow_type(about)) for name, about in features.items()]
        about = {"huggingface": json.dumps({"info": {"features": features}})}
        self._schema = pyarrow.schema(columns, metadata=about)
        self._table = pyarrow.Table.from_pylist
        self._rows: list[Mapping[str, Any]] = []
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(self, entry: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Add a sample; of its files the picture alone."""
        image = picture_cell(entry["file"], files)
        self.add_row({**entry, "image": image, "label": entry["class"]})

    def add_row(self, row: Mapping[str, Any]) -> None:
        """Add a row; what it has beside the columns is left out."""
        self._rows.append(row)
        if len(self._rows) == ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._table(self._rows, self._schema))
            self._rows = []


def picture_cell(name: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """A picture as it lies in a column of images."""
    return {"bytes": files[name], "path": name}


def _arrow_type(feature: Any) -> Any:
    """The type that Parquet holds a column as: a list of one is a list, other mappings structs."""
    import pyarrow

    if isinstance(feature, list):
        return pyarrow.list_(_arrow_type(feature[0]))
    kind = feature.get("_type")
    if kind is None:
        return pyarrow.struct([(name, _arrow_type(one)) for name, one in feature.items()])
    if kind == IMAGE["_type"]:
        return pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    kinds = {"string": pyarrow.string(), "float64": pyarrow.float64(), "bool": pyarrow.bool_()}
    return kinds.get(feature.get("dtype"), pyarrow.int64())
