"""A session of onnxruntime for one batch size."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import onnxruntime

from l2laug.core.errors import BundleError
from l2laug.sampling.providers import OPTIONS

# Every run of a graph has this many rows, the last ones padded, so that an image does not depend
# on how many others are drawn with it.
BATCH = 32


def open_session(path: Path, providers: Sequence[str], threads: int = 0) -> Any:
    """Load a model file, to be run on :data:`BATCH` rows at once.

    Args:
        path: of the file.
        providers: of onnxruntime, in order of preference.
        threads: of onnxruntime; 0 leaves it the choice.

    Raises:
        BundleError: it can't be loaded.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_free_dimension_override_by_name("batch", BATCH)
    # Threads that wait would take time from those that write files.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        # Its fallback prints on standard output, and from the CPU there is nowhere to go.
        again = int(len(providers) > 1)
        told = [OPTIONS.get(name, {}) for name in providers]
        with redirect_stdout(sys.stderr):
            session = onnxruntime.InferenceSession(
                str(path), options, list(providers), told, enable_fallback=again
            )
        _ = session.get_modelmeta().custom_metadata_map  # which may be no text
    except Exception as error:  # onnxruntime's own exceptions share no root but this one
        raise BundleError(
            f"{path} can't be loaded: {str(error).splitlines()[0].rstrip('.')}.", "Adapt again."
        ) from error
    return session
