"""Shared by the scripts here: a fixture is one JSON file beside the tests that read it."""

import importlib.metadata
import json
import pathlib

import torch

PACKAGES = pathlib.Path(__file__).resolve().parents[2] / "packages"


def numbers(x):
    """A tensor as nested lists; float32 values keep the digits that tell them apart, float64 ones more than tests need."""
    x = torch.as_tensor(x)
    digits = 9 if x.dtype == torch.float32 else 12
    return json.loads(json.dumps(x.tolist()), parse_float=lambda s: float(f"%.{digits}g" % float(s)))


def write(package, name, sources, cases):
    """Writes packages/<package>/test/golden/<name>.json with the versions that the numbers come from."""
    path = PACKAGES / package / "test" / "golden" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    versions = {source: importlib.metadata.version(source) for source in ["torch", *sources]}
    path.write_text(json.dumps({"versions": versions, **cases}) + "\n")
    print(path.relative_to(PACKAGES), path.stat().st_size, "bytes")
