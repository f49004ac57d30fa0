"""FIRE with PyTorch's layers and gradients, after the listing in its paper's appendix, in float64."""

import torch

from write import numbers, write

HEADS, WIDTH, LENGTH, EPSILON = 3, 4, 7, 1e-6


def case(threshold, seed):
    torch.manual_seed(seed)
    network = torch.nn.Sequential(torch.nn.Linear(1, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, HEADS)).double()
    c = torch.tensor([-0.3], dtype=torch.float64, requires_grad=True)
    share = torch.tensor([0.9], dtype=torch.float64, requires_grad=True)
    positions = torch.arange(LENGTH, dtype=torch.float64)
    distance = torch.log((c * (positions[:, None] - positions[None, :])).abs() + 1)
    limit = torch.max(positions, (share * threshold).abs())[:, None]
    context = torch.log((c * limit).abs() + 1) + EPSILON
    bias = network((distance / context).unsqueeze(-1)).permute(2, 0, 1)
    bias.square().sum().backward()
    hidden, _, out = network
    parameters = {"c": c, "thresholdShare": share, "hiddenWeight": hidden.weight, "hiddenShift": hidden.bias, "outWeight": out.weight, "outShift": out.bias}
    # PyTorch's weights are [out, in]; ours are read the other way.
    turned = lambda name, x: x.T if name == "outWeight" else x.flatten()
    return {
        "threshold": threshold,
        "parameters": {
            name: {"shape": list(turned(name, x).shape), "data": numbers(turned(name, x.detach()).flatten())}
            for name, x in parameters.items()
        },
        "bias": numbers(bias.detach()),
        "gradients": {name: numbers(turned(name, x.grad).flatten()) for name, x in parameters.items()},
    }


write("fire", "bias", [], {"cases": [case(3.0, 1), case(512.0, 2)]})
