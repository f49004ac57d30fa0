"""What a peer starts from: weights and tokens that `pnpm speed` wrote, so that it is the same model and can show it."""

import json
from dataclasses import dataclass

import numpy as np


@dataclass
class Start:
    arrays: dict
    """Weights by their names, matrices as [in, out]."""
    rows: np.ndarray
    """Tokens to compute the answers of; [B, L + 1]."""
    layers: int
    heads: int

    @property
    def dim(self):
        return self.arrays["embedding.weight"].shape[1]

    @property
    def vocabulary(self):
        return self.arrays["embedding.weight"].shape[0]

    def slopes(self):
        """As in the paper, for powers of two."""
        return np.array([2 ** (-8 * (k + 1) / self.heads) for k in range(self.heads)], np.float32)


def read_start(path):
    """Reads a safetensors file of float32."""
    with open(path, "rb") as file:
        data = file.read()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    sizes = json.loads(header.pop("__metadata__")["sizes"])
    arrays = {
        name: np.frombuffer(data[end + at["data_offsets"][0] : end + at["data_offsets"][1]], "<f4").reshape(at["shape"])
        for name, at in header.items()
    }
    return Start(arrays, arrays.pop("rows").astype(np.int64), sizes["layers"], sizes["heads"])
