"""PyTorch's adaptive softmax in float64: losses, all log-probabilities, gradients."""

import torch

from write import numbers, write

TOKENS, MODEL_DIM, VOCABULARY, CUTOFFS, FACTOR = 7, 8, 23, [5, 12], 2.0
TARGETS = [0, 4, 5, 11, 12, 22, 17]

torch.manual_seed(1)
softmax = torch.nn.AdaptiveLogSoftmaxWithLoss(MODEL_DIM, VOCABULARY, CUTOFFS, div_value=FACTOR).double()
hidden = torch.randn(TOKENS, MODEL_DIM, dtype=torch.float64, requires_grad=True)
weight = torch.randn(TOKENS, dtype=torch.float64)
log_probabilities, _ = softmax(hidden, torch.tensor(TARGETS))
(-log_probabilities * weight).sum().backward()

# Its head has the first band's tokens, then the tails; its weights are [out, in].
first = CUTOFFS[0]
arrays = {
    "embedding.0.weight": softmax.head.weight[:first],
    "head.tails.weight": softmax.head.weight[first:].T,
}
gradients = {
    "embedding.0.weight": softmax.head.weight.grad[:first],
    "head.tails.weight": softmax.head.weight.grad[first:].T,
}
for i, (projection, table) in enumerate(softmax.tail):
    arrays |= {f"embedding.{i + 1}.projection.weight": projection.weight, f"embedding.{i + 1}.weight": table.weight}
    gradients |= {f"embedding.{i + 1}.projection.weight": projection.weight.grad, f"embedding.{i + 1}.weight": table.weight.grad}

write("transformer", "adaptive-softmax", [], {
    "modelDim": MODEL_DIM,
    "vocabularySize": VOCABULARY,
    "cutoffs": CUTOFFS,
    "factor": FACTOR,
    "targets": TARGETS,
    "hidden": numbers(hidden.detach()),
    "weight": numbers(weight),
    "arrays": {name: numbers(x.detach()) for name, x in arrays.items()},
    "losses": numbers(-log_probabilities.detach()),
    "logProbabilities": numbers(softmax.log_prob(hidden).detach()),
    "hiddenGradient": numbers(hidden.grad),
    "gradients": {name: numbers(x) for name, x in gradients.items()},
})
