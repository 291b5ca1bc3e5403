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
FEATURES = {
    "image": {"_type": "Image"},
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
    """

    def __init__(self, path: Path) -> None:
        import pyarrow
        import pyarrow.parquet

        kinds = {"string": pyarrow.string(), "float64": pyarrow.float64(), "bool": pyarrow.bool_()}
        image = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
        columns = [
            (name, kinds.get(about["dtype"], pyarrow.int64()) if "dtype" in about else image)
            for name, about in FEATURES.items()
        ]
        about = {"huggingface": json.dumps({"info": {"features": FEATURES}})}
        self._schema = pyarrow.schema(columns, metadata=about)
        self._table = pyarrow.Table.from_pylist
        self._rows: list[dict[str, Any]] = []
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(self, entry: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Add a sample; of its files the picture alone."""
        image = {"bytes": files[entry["file"]], "path": entry["file"]}
        plain = {key: entry[key] for key in FEATURES if key in entry}
        self._rows.append({"image": image, "label": entry["class"], **plain})
        if len(self._rows) == ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._table(self._rows, self._schema))
            self._rows = []
