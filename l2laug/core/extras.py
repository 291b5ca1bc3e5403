"""Which of l2laug's optional parts a missing package belongs to."""

from __future__ import annotations

from l2laug.core.errors import MissingExtraError

# Modules that only an extra's packages bring; ``pip install l2laug`` has what sampling needs.
EXTRAS = {
    "train": frozenset(
        {
            "accelerate",
            "imagehash",
            "jinja2",
            "onnx",
            "onnxscript",
            "platformdirs",
            "pydantic",
            "safetensors",
            "scipy",
            "sklearn",
            "threadpoolctl",
            "timm",
            "torch",
            "torchvision",
            "yaml",
        }
    ),
    "fast": frozenset({"onnx", "platformdirs"}),
    "heic": frozenset({"pillow_heif"}),
    "inception": frozenset({"torch_fidelity"}),
    "lpips": frozenset({"lpips"}),
    "parquet": frozenset({"pyarrow"}),
    "ray": frozenset({"ray"}),
}


def missing_extra(error: ImportError) -> MissingExtraError | None:
    """The error that names the extra to install, or None if the import failed for another reason.

    Only a package that is missing whole counts: a submodule that is not there means that the
    package is broken or of another version, which no extra mends.
    """
    for extra, modules in EXTRAS.items():
        if isinstance(error, ModuleNotFoundError) and error.name in modules:
            return MissingExtraError(
                f"This needs {error.name}, which is not installed.",
                f"pip install 'l2laug[{extra}]'",
            )
    return None
