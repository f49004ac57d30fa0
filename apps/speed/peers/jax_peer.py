"""Steps, passes, prefill and decoding of the same model in JAX, for `pnpm speed`; as many threads as NPROC says."""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np

from jax_model import ATTENTION, bias_of, hidden, logits, mean_loss
from serve import serve
from start import read_start

parser = argparse.ArgumentParser()
parser.add_argument("--start", required=True)
parser.add_argument("--work", choices=["train", "evaluate", "prefill", "decode"], required=True)
parser.add_argument("--attention", choices=list(ATTENTION), required=True)
options = parser.parse_args()
start = read_start(options.start)
B, L = start.rows.shape[0], start.rows.shape[1] - 1
weights = {name: jnp.asarray(array) for name, array in start.arrays.items()}
attention = ATTENTION[options.attention]
# Arguments, not constants: those would be folded into matrices of [H, L, L].
places = (jnp.asarray(start.slopes()), jnp.arange(L))
random = np.random.default_rng(1)


def fresh(length):
    return jnp.asarray(random.integers(start.vocabulary, size=(B, length)))


def states(weights, tokens, places, keep=None):
    """Hidden states of whole rows; keep(k, v) sees those of each layer."""
    slopes, positions = places
    bias = bias_of(slopes, positions, positions)

    def attend(layer, q, k, v):
        if keep:
            keep(k, v)
        return attention(q, k, v, bias)

    return hidden(weights, tokens, attend, start.layers, start.heads)


def loss(weights, rows, places):
    return mean_loss(logits(weights, states(weights, rows[:, :-1], places)), rows[:, 1:])


def adamw(weights, moments, gradients, count):
    """β 0.9 and 0.95, ε 1e-8, rate 1e-3."""
    first, second = moments
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
    second = jax.tree.map(lambda v, g: 0.95 * v + 0.05 * g * g, second, gradients)

    def update(w, m, v):
        return w - 1e-3 * (m / (1 - 0.9**count)) / (jnp.sqrt(v / (1 - 0.95**count)) + 1e-8)

    return jax.tree.map(update, weights, first, second), (first, second)


def trained(weights, moments, count, rows, places):
    value, gradients = jax.value_and_grad(loss)(weights, rows, places)
    return value, *adamw(weights, moments, gradients, count)


compiled_step = jax.jit(trained, donate_argnums=(0, 1))
compiled_loss = jax.jit(loss)
count = 0
moments = None


def train(rows):
    global weights, moments, count
    count += 1
    moments = moments or tuple(jax.tree.map(jnp.zeros_like, weights) for _ in range(2))
    value, weights, moments = compiled_step(weights, moments, jnp.float32(count), rows, places)
    return float(value)


def evaluate(rows):
    return float(compiled_loss(weights, rows, places))


@jax.jit
def read(weights, tokens, places):
    """The logits of the last token [B, V], and keys and values of each layer."""
    kept = []
    x = states(weights, tokens, places, lambda k, v: kept.append((k, v)))
    return logits(weights, x[:, -1]), kept


def prefill(rows):
    last, kept = read(weights, rows[:, :-1], places)
    jax.block_until_ready(kept)
    return float(mean_loss(last, rows[:, -1]))


def one_more(weights, cache, token, at, slopes):
    """The greedy token after one at place `at`, whose keys and values join the cache, and its −ln p."""
    cache = list(cache)

    def attend(layer, q, k, v):
        cache[layer] = tuple(
            jax.lax.dynamic_update_slice(old, new, (0, at, 0, 0)) for old, new in zip(cache[layer], (k, v))
        )
        keys = jnp.arange(cache[layer][0].shape[1])
        return attention(q, *cache[layer], bias_of(slopes, at[None], keys))

    x = hidden(weights, token[:, None], attend, start.layers, start.heads)
    return *greedy(logits(weights, x[:, -1])), cache


def greedy(logits):
    return logits.argmax(-1), -jax.nn.log_softmax(logits).max(-1)


compiled_one_more = jax.jit(one_more, donate_argnums=(1,))


def decode(prompt, new):
    """Tokens after a prompt, each read before the next, and −ln p of them; the seconds a token after the first."""
    last, kept = read(weights, prompt, places)
    cache = [tuple(jnp.pad(x, ((0, 0), (0, new), (0, 0), (0, 0))) for x in pair) for pair in kept]
    token, loss = greedy(last)
    tokens, losses = [int(token[0])], [loss[0]]
    started = time.perf_counter()
    for at in range(L, L + new):
        token, loss, cache = compiled_one_more(weights, cache, token, jnp.int32(at), places[0])
        tokens.append(int(token[0]))
        losses.append(loss[0])
    return tokens, losses, (time.perf_counter() - started) / new


def run(steps):
    if options.work == "decode":
        return decode(fresh(L), steps)[2]
    for _ in range(steps):
        step(fresh(L + 1))


golden = jnp.asarray(start.rows)
if options.work == "decode":
    tokens, losses, _ = decode(golden[:, :-1], 8)
    answers = [prefill(golden), *tokens[:8], *losses[:8]]
else:
    step = {"train": train, "evaluate": evaluate, "prefill": prefill}[options.work]
    answers = [step(golden) for _ in range(3 if options.work == "train" else 1)]
serve(run, {"jax": jax.__version__}, answers)
