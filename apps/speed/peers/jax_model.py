"""The model of `pnpm speed` in JAX, from the weights that it wrote. Letters: B batch, L tokens, D width, H heads, K keys."""

import jax
import jax.numpy as jnp


def norm(x, weights, name):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-5) * weights[f"{name}.scale"] + weights[f"{name}.shift"]


def linear(x, weights, name):
    return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]


def bias_of(slopes, queries, keys):
    """ALiBi and the causal mask; [H, L, K]."""
    distance = queries[:, None] - keys[None, :]
    return jnp.where(distance < 0, -jnp.inf, -slopes[:, None, None] * distance)


def einsum(q, k, v, bias):
    # Heads first: XLA multiplies rows that lie beside each other several times faster.
    q, k, v = (x.swapaxes(1, 2) for x in (q, k, v))
    scores = jnp.einsum("bhld,bhkd->bhlk", q, k) / q.shape[-1] ** 0.5 + bias
    return jnp.einsum("bhlk,bhkd->bhld", jax.nn.softmax(scores), v).swapaxes(1, 2)


def dot_product_attention(q, k, v, bias):
    return jax.nn.dot_product_attention(q, k, v, bias=bias[None])


ATTENTION = {"einsum": einsum, "dot_product_attention": dot_product_attention}


def hidden(weights, tokens, attend, layers, heads):
    """The last hidden states [B, L, D]. attend(layer, q, k, v) takes and returns [B, L, H, headDim]."""
    x = weights["embedding.weight"][tokens]
    # BLOOM's embeddings have a norm, the paper's a factor.
    x = norm(x, weights, "embedding_norm") if "embedding_norm.scale" in weights else x * x.shape[-1] ** 0.5
    for layer in range(layers):
        at = f"layers.{layer}"
        product = linear(norm(x, weights, f"{at}.attention_norm"), weights, f"{at}.attention.qkv")
        q, k, v = jnp.moveaxis(product.reshape(*x.shape[:2], 3, heads, -1), 2, 0)
        x = x + linear(attend(layer, q, k, v).reshape(x.shape), weights, f"{at}.attention.out")
        up = linear(norm(x, weights, f"{at}.mlp_norm"), weights, f"{at}.mlp.in")
        x = x + linear(jax.nn.gelu(up, approximate=True), weights, f"{at}.mlp.out")
    return norm(x, weights, "final_norm")


def logits(weights, x):
    return x @ weights["embedding.weight"].T


def mean_loss(logits, targets):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], -1).mean()
