"""What the processor is called, and whether it multiplies 8 bits by 8 without overflow."""

from __future__ import annotations

import platform
from pathlib import Path

VNNI = {"avx512_vnni", "avx_vnni", "asimddp"}  # flags as Linux names them, on x86 and on Arm


def processor() -> tuple[str, bool]:
    """Its name, and whether it has VNNI or Arm's dot products; False where that can't be seen."""
    about = _cpuinfo()
    name = about.get("model name") or platform.processor() or platform.machine()
    flags = set((about.get("flags") or about.get("Features") or "").split())
    return name, bool(flags & VNNI) or platform.machine() == "arm64"


def _cpuinfo(path: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """Of the first processor, where there is such a file."""
    if not path.is_file():
        return {}
    first = path.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
