"""Files that torch.save writes: numbers of every kind, views, shared storages, and objects of other classes around them."""

import argparse
import collections

import numpy as np
import torch

from write import PACKAGES, numbers, write

FOLDER = PACKAGES / "torch-checkpoint" / "test" / "golden"
FOLDER.mkdir(parents=True, exist_ok=True)
torch.manual_seed(1)

base = torch.randn(4, 6)
tensors = collections.OrderedDict(
    plain=base,
    transposed=base.t(),
    rows=base[1:3],
    columns=base[:, 2:5],
    every_other=base[::2, ::3],
    expanded=torch.tensor([1.5, -2.5]).expand(3, 2),
    scalar=torch.tensor(0.125),
    empty=torch.empty(0, 3),
    parameter=torch.nn.Parameter(torch.randn(3)),
    float16=torch.tensor([0.0, -0.0, 1.0, -2.5, 6e-8, 65504.0, float("inf"), -float("inf")], dtype=torch.float16),
    bfloat16=torch.tensor([0.0, 1.0, -3.140625, 1e38, 1e-40], dtype=torch.bfloat16),
    float64=torch.tensor([np.pi, -1e300], dtype=torch.float64),
    int64=torch.tensor([2**62, -1], dtype=torch.int64),
    int32=torch.tensor([2**31 - 1, -5], dtype=torch.int32),
    int16=torch.tensor([-300, 300], dtype=torch.int16),
    int8=torch.tensor([-128, 127], dtype=torch.int8),
    uint8=torch.tensor([0, 255], dtype=torch.uint8),
    bool=torch.tensor([True, False]),
)
tensors._metadata = {"version": 2}
around = {
    "tensors": tensors,
    "args": argparse.Namespace(layers=3, name="tiny", nested=[1, (2.5, None)], big=2**70),
    "numpy": np.float64(0.5),
    "set": {1, 2},
    "complex": torch.tensor([1j]),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "bytes": b"\x00\xff",
}
around["itself"] = around

for protocol in [2, 3, 4, 5]:
    torch.save(around, FOLDER / f"protocol{protocol}.pt", pickle_protocol=protocol)
torch.save({"a": base}, FOLDER / "legacy.pt", _use_new_zipfile_serialization=False)
torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), str(FOLDER / "script.pt"))


def listed(tensor):
    """int64 as text, and what JSON has no number for."""
    if tensor.dtype == torch.int64:
        return [str(value) for value in tensor.flatten().tolist()]
    if tensor.dtype in (torch.float16, torch.bfloat16):
        tensor = tensor.float()
    text = {"inf": "Infinity", "-inf": "-Infinity", "-0.0": "-0"}
    return [text.get(repr(value), value) for value in numbers(tensor.flatten())]


write(
    "torch-checkpoint",
    "values",
    ["numpy"],
    {
        "shapes": {name: list(tensor.shape) for name, tensor in tensors.items()},
        "numbers": {name: listed(tensor.detach()) for name, tensor in tensors.items()},
    },
)
