"""phi_t to one self-contained .onnx file, checked against torch before it gets its name."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from l2laug.artifacts.model_card import ORIGINAL, Card
from l2laug.core.arrays import to_unit
from l2laug.core.errors import BundleError
from l2laug.core.files import whole_file
from l2laug.data.image_set import ImageSet
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.nn.feature_net import FeatureNet
from l2laug.nn.fused.decoder import FusedDecoder
from l2laug.nn.generator import Generator
from l2laug.nn.methods.drawer import Drawing, window_of, window_rows
from l2laug.nn.prototype_classifier import PrototypeClassifier

DRAWN = ("images", "similarity")
CHANGE = ("grid", "tone", "difference")
OPSET = 20
CHECKED = (4, 1)  # images, in batches of these sizes
TOLERANCE = 2e-3  # of images in [-1, 1]; a quarter of one grey level


class _Adapted(nn.Module):
    """The graph of an adapted model: the support set's encodings, the decoder and its GEMs.

    Behind them the prototype classifier tells each image's class similarity. A generator
    that warps also tells its change, see :class:`l2laug.nn.changes.change.Change`.
    """

    def __init__(self, target: TargetModel, support: Tensor, labels: Tensor) -> None:
        super().__init__()
        self.generator, self.gems = target.generator, target.gems
        self.net = None if target.classifier is None else target.classifier.net
        with torch.no_grad():
            encodings = target.generator.encode(support)
        self.count = len(encodings)
        for i, encoding in enumerate(encodings):
            self.register_buffer(f"encoding{i}", encoding)
        self.window = window_of(target.generator)
        if self.window > 1:
            self.register_buffer("windows", window_rows(labels, self.window))
        if target.classifier is not None:
            self.register_buffer("prototypes", target.classifier.prototypes[labels])
        self.register_buffer("strength", torch.tensor(target.strength))

    def forward(self, support: Tensor, latent: Tensor) -> tuple[Tensor, ...]:
        *change, images = self.drawn(support, latent)
        if self.net is None:
            similarity = torch.ones_like(latent[:, 0])
        else:
            directions = nn.functional.normalize(self.net.features(images))
            similarity = (directions * self.get_buffer("prototypes")[support]).sum(1)
        return images, similarity, *change

    def maps_of(self, support: Tensor) -> list[Tensor]:
        """The encoder's maps of these rows."""
        rows = self.get_buffer("windows")[support] if self.window > 1 else support
        return [self.get_buffer(f"encoding{i}")[rows] for i in range(self.count)]

    def drawn(self, support: Tensor, latent: Tensor) -> Sequence[Tensor]:
        """The images, before them what else is told of the change that makes them."""
        maps, gems = self.maps_of(support), dict(self.gems.items())
        if isinstance(self.generator, ChangeGenerator):
            return self.generator.decode(maps, latent, self.get_buffer("strength"), gems)
        if isinstance(self.generator, Generator) and self.generator.options.warp:
            return self.generator.decode_change(maps, latent, gems)
        return [self.generator.decode(maps, latent, gems)]


class _Fused(_Adapted):
    """The same in fewer operations, see :class:`l2laug.nn.fused.decoder.FusedDecoder`."""

    def __init__(self, target: TargetModel, support: Tensor, labels: Tensor) -> None:
        super().__init__(target, support, labels)
        self.decoder = None
        own = target.generator
        # Generators of other methods have blocks of their own.
        if type(own) is Generator or type(own) is ChangeGenerator:
            self.decoder = FusedDecoder(own, dict(target.gems.items()))

    def drawn(self, support: Tensor, latent: Tensor) -> Sequence[Tensor]:
        if self.decoder is None:
            return super().drawn(support, latent)
        encodings = [self.get_buffer(f"encoding{i}") for i in range(self.count)]
        outputs, maps = self.decoder(encodings, support, latent), self.maps_of(support)
        generator = self.decoder.generator
        if isinstance(generator, ChangeGenerator):
            strength, gems = self.get_buffer("strength"), dict(self.gems.items())
            return generator.change_of(maps, outputs, latent, strength, gems)
        if generator.options.warp:
            return generator.change_of(maps, outputs)
        return [generator.composed(maps, outputs)]


@dataclass(frozen=True)
class TargetModel:
    """The networks of an adapted model.

    Attributes:
        generator: of Table 1, one of changes, or another method's.
        gems: plugged into it.
        classifier: knows the rare class; None where no draw is rejected.
        strength: from 0 to 1, of each part of a change generator's changes.
    """

    generator: Drawing | ChangeGenerator
    gems: nn.ModuleDict
    classifier: PrototypeClassifier | None
    strength: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)

    @property
    def outputs(self) -> list[str]:
        """Names of what the graph gives."""
        tells = isinstance(self.generator, ChangeGenerator) or self.generator.options.warp
        return [*DRAWN, *(CHANGE if tells else ())]


def export_model(
    target: TargetModel,
    support: ImageSet,
    card: Card,
    path: Path,
    originals: Sequence[str] = (),
) -> None:
    """Write an adapted model: inputs ``support`` ``(N,)`` int64 and ``latent`` ``(N, L)``.

    Its outputs are ``images`` ``(N, C, S, S)`` in [-1, 1] and ``similarity`` ``(N,)``, the cosine
    between each image's features and its class's prototype; of a generator that warps also
    ``grid``, ``tone`` and ``difference``, see :class:`l2laug.nn.changes.change.Change`.

    Args:
        target: the networks.
        support: the images it draws from.
        card: what the file says of itself.
        path: the file.
        originals: the support images as text, see
            :meth:`l2laug.data.images.originals.Original.to_text`.

    Raises:
        BundleError: onnxruntime's images differ from torch's by a quarter of a grey level.
        OutputError: the file can't be written.
    """
    pixels = torch.from_numpy(to_unit(support.pixels))
    for net in (target.generator, target.gems, target.classifier):
        if net is not None:
            net.cpu().float().eval()
    labels = torch.from_numpy(support.labels)
    plain = _Adapted(target, pixels, labels).eval()
    fused = _Fused(target, pixels, labels).eval()
    rows = torch.arange(max(CHECKED)) % len(pixels)
    random = np.random.default_rng(0)
    z = torch.from_numpy(random.standard_normal((len(rows), card.latent), dtype=np.float32))
    metadata = card.to_metadata() | {f"{ORIGINAL}.{i}": text for i, text in enumerate(originals)}
    with whole_file(path) as part:
        check = partial(_check, plain, {"support": rows, "latent": z}, part)
        _export(fused, (rows, z), ["support", "latent"], target.outputs, metadata, part, check)


def export_features(net: FeatureNet, size: int, channels: int, path: Path) -> None:
    """Write a feature net: input ``images`` ``(N, C, S, S)``, output ``features`` ``(N, D)``."""

    class Features(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net.cpu().float().eval()

        def forward(self, images: Tensor) -> Tensor:
            return self.net.features(images)

    module = Features().eval()
    x = torch.linspace(-1, 1, 4 * channels * size * size).view(4, channels, size, size)
    with whole_file(path) as part:
        check = partial(_check, module, {"images": x}, part)
        _export(module, (x,), ["images"], ["features"], {}, part, check)


def _export(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    names: list[str],
    outputs: list[str],
    metadata: dict[str, str],
    path: Path,
    check: Callable[[], None],
) -> None:
    """Write a module's graph, by the first way to do so whose file passes ``check``."""
    for way in (_traced, _captured):
        try:
            model = way(module, inputs, names, outputs)
            # Names and paths of the machine that exported it are no one's business.
            del model.metadata_props[:]
            for node in model.graph.node:
                del node.metadata_props[:]
                node.doc_string = ""
            onnx.helper.set_model_props(model, metadata)
            path.write_bytes(model.SerializeToString(deterministic=True))
            check()
        except OSError:
            raise
        except Exception:  # a torch without the older exporter may fail in any way
            if way is _captured:
                raise
        else:
            return


def _traced(
    module: nn.Module, inputs: tuple[Tensor, ...], names: list[str], outputs: list[str]
) -> onnx.ModelProto:
    """By torch's older exporter: half a second where the newer one takes ten."""
    buffer = io.BytesIO()
    with _quiet(), torch.no_grad():
        torch.onnx.export(
            module,
            inputs,
            buffer,  # type: ignore[arg-type]
            input_names=names,
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in (*names, *outputs)},
            opset_version=OPSET,
            dynamo=False,
        )
        given = module(*inputs)
    model = onnx.load_from_string(buffer.getvalue())
    # It loses the widths of what is broadcast; a sampler compares them with the card's.
    values = given if isinstance(given, tuple) else (given,)
    for told, value in zip(model.graph.output, values, strict=True):
        for dim, size in zip(told.type.tensor_type.shape.dim[1:], value.shape[1:], strict=True):
            dim.dim_value = size
    return model


def _captured(
    module: nn.Module, inputs: tuple[Tensor, ...], names: list[str], outputs: list[str]
) -> onnx.ModelProto:
    """By torch's newer exporter."""
    batch = torch.export.Dim("batch", min=1)
    with _quiet():
        program = torch.onnx.export(
            module,
            inputs,
            input_names=names,
            output_names=outputs,
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            dynamo=True,
            verbose=False,
            external_data=False,
        )
    if program is None:
        raise BundleError("torch.onnx.export gave no program.", "Please report this.")
    model: onnx.ModelProto = program.model_proto
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporters say of themselves."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _check(module: nn.Module, inputs: dict[str, Tensor], path: Path) -> None:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for count in CHECKED:
        given = {name: value[:count] for name, value in inputs.items()}
        with torch.no_grad():
            found = module(*given.values())
        theirs = found if isinstance(found, tuple) else (found,)
        ours = session.run(None, {name: value.numpy() for name, value in given.items()})
        for one, other in zip(ours, theirs, strict=True):
            wanted = other.numpy()
            gap = float(np.abs(np.asarray(one) - wanted).max())
            if not gap <= TOLERANCE * max(1.0, float(np.abs(wanted).max())):
                raise BundleError(
                    f"The exported model differs from torch by {gap:.2g}.",
                    "Please report this with the versions of torch and onnxruntime.",
                )
