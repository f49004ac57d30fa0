"""KERPLE's two kernels as the authors compute them (chijames/KERPLE, ParallelKerpleLog and ParallelKerplePower), restated in
PyTorch with its gradients: no library has them."""

import torch

from write import numbers, write

QUERIES, KEYS = 5, 9


def kernel(name, r1, r2, distance):
    r1, r2 = r1[:, None, None], r2[:, None, None]
    return -r1 * torch.log(1 + r2 * distance) if name == "log" else -r1 * distance.pow(r2)


def case(name, r1, r2):
    r1 = torch.tensor(r1, dtype=torch.float64, requires_grad=True)
    r2 = torch.tensor(r2, dtype=torch.float64, requires_grad=True)
    rows = torch.arange(KEYS - QUERIES, KEYS, dtype=torch.float64)[:, None]
    # Theirs is 0 above the diagonal, which the mask hides.
    distance = torch.tril(rows - torch.arange(KEYS, dtype=torch.float64), KEYS - QUERIES)
    bias = kernel(name, r1, r2, distance)
    # Of the last query's distances, 8 to 0: the sum of squares.
    kernel(name, r1, r2, distance[-1:]).square().sum().backward()
    return {
        "kernel": name,
        "r1": r1.tolist(),
        "r2": r2.tolist(),
        "bias": numbers(bias.detach()),
        "gradients": {"r1": numbers(r1.grad), "r2": numbers(r2.grad)},
    }


write("kerple", "bias", [], {"cases": [case("log", [1.7, 0.01, 0.4], [0.9, 0.3, 0.01]), case("power", [0.8, 0.01, 0.3], [0.5, 1.9, 1.0])]})
