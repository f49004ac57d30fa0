"""Attention weights with distances that queries and keys meet, of transformers: XLNet's relative attention (Transformer-XL's
with a memory), Wav2Vec2-BERT's relative keys (Shaw's), DeBERTa's disentangled attention."""

import torch
from transformers import DebertaConfig, Wav2Vec2BertConfig, XLNetConfig, XLNetModel
from transformers.models.deberta.modeling_deberta import DisentangledSelfAttention, build_relative_position
from transformers.models.wav2vec2_bert.modeling_wav2vec2_bert import Wav2Vec2BertSelfAttention

from write import numbers, write

LENGTH, HEADS, HEAD_DIM = 9, 2, 4
MODEL_DIM = HEADS * HEAD_DIM
torch.manual_seed(1)
ahead = torch.triu(torch.ones(LENGTH, LENGTH), 1)


def transformer_xl():
    """Queries and keys go in as they are: rel_attn_core is what comes after their projections."""
    config = XLNetConfig(vocab_size=8, d_model=MODEL_DIM, n_head=HEADS, n_layer=1, d_inner=8, attn_type="uni")
    model = XLNetModel(config).eval()
    attention = model.layer[0].rel_attn
    w, u, v = torch.randn(MODEL_DIM, HEADS, HEAD_DIM), torch.randn(HEADS, HEAD_DIM), torch.randn(HEADS, HEAD_DIM)
    attention.r_w_bias.data, attention.r_r_bias.data = u, v
    q, k = torch.randn(2, LENGTH, 1, HEADS, HEAD_DIM)
    r = torch.einsum("ibh,hnd->ibnd", model.relative_positional_encoding(LENGTH, LENGTH, bsz=1), w)
    _, weights = attention.rel_attn_core(q, k, k, r, attn_mask=ahead[:, :, None, None], output_attentions=True)
    return {
        "q": numbers(q[:, 0].transpose(0, 1)),
        "k": numbers(k[:, 0].transpose(0, 1)),
        "parameters": {"w": numbers(w.reshape(MODEL_DIM, MODEL_DIM)), "u": numbers(u), "v": numbers(v)},
        "weights": numbers(weights[:, :, 0].permute(2, 0, 1).detach()),
    }


def heads(x):
    return x.reshape(LENGTH, HEADS, HEAD_DIM).transpose(0, 1)


def shaw():
    config = Wav2Vec2BertConfig(
        hidden_size=MODEL_DIM,
        num_attention_heads=HEADS,
        position_embeddings_type="relative_key",
        left_max_position_embeddings=5,
        right_max_position_embeddings=5,
        attention_dropout=0.0,
        attn_implementation="eager",
    )
    attention = Wav2Vec2BertSelfAttention(config).eval()
    x = torch.randn(1, LENGTH, MODEL_DIM)
    mask = torch.where(ahead > 0, torch.finfo(torch.float32).min, 0.0)[None, None]
    weights = attention(x, attention_mask=mask, output_attentions=True)[1]
    return {
        "q": numbers(heads(attention.linear_q(x)[0]).detach()),
        "k": numbers(heads(attention.linear_k(x)[0]).detach()),
        # Theirs are by key - query, ours by query - key.
        "parameters": {"vectors": numbers(attention.distance_embedding.weight.flip(0).detach())},
        "maxDistance": 5,
        "weights": numbers(weights[0].detach()),
    }


def deberta():
    span = 4
    config = DebertaConfig(
        hidden_size=MODEL_DIM,
        num_attention_heads=HEADS,
        relative_attention=True,
        pos_att_type=["c2p", "p2c"],
        max_relative_positions=span,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    attention = DisentangledSelfAttention(config).eval()
    torch.nn.init.zeros_(attention.pos_q_proj.bias)
    table, x = torch.randn(2 * span, MODEL_DIM), torch.randn(1, LENGTH, MODEL_DIM)
    q, k, _ = attention.transpose_for_scores(attention.in_proj(x)).chunk(3, dim=-1)
    _, weights = attention(
        x,
        1 - ahead[None, None],
        output_attentions=True,
        relative_pos=build_relative_position(q, k),
        rel_embeddings=table,
    )
    return {
        "q": numbers(q[0].detach()),
        "k": numbers(k[0].detach()),
        "parameters": {
            "table": numbers(table),
            "keyMatrix": numbers(attention.pos_proj.weight.T.detach()),
            "queryMatrix": numbers(attention.pos_q_proj.weight.T.detach()),
        },
        "maxDistance": span,
        "weights": numbers(weights[0].detach()),
    }


write("transformer-xl", "weights", ["transformers"], {"transformerXl": transformer_xl(), "shaw": shaw(), "deberta": deberta()})
