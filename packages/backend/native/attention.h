// What one call of attention is given. Letters: B batch, H heads, Q/K queries/keys, D headDim.
#pragma once

/** Floats between neighbours along each axis. */
struct Strides {
  long batch, head, token;
};

struct Attention {
  long batchSize, numHeads, numQueries, numKeys, headDim;
  const float *q, *k, *v;
  Strides ofQueries, ofKeys;
  /** Cosines and sines, four of each in turn, of queries and then of keys, [2, L, D/4, 2, 4]; null: nothing is turned. */
  const float* rotation;
  long pairStride;
  /** Null, or [H]. */
  const float* slopes;
  /** Null, or [H, K]. */
  const float* table;
  /** Running sums; null, or [B, H, K]. */
  const float* gate;
  /** Above 0 for keys that nobody sees; null, or [B, K]. */
  const float* padding;
  /** The first key of each query's document; null, or [documentRows, Q] with 1 or B rows. */
  const float* documents;
  long documentRows;
  /** Keys that a query sees, its own included, and first keys of a document that all see. */
  long window, sinks;
  /** The result; and of each row the largest score, and the logarithm of the sum of exponentials less it: [B, H, Q, 2]. */
  float *out, *logSums;
  Strides ofOut;
};

/** Gradients: of what `Attention` has, strides as there. */
struct AttentionGradient {
  const float* dOut;
  float *dQ, *dK, *dV;
  /** Null where they are not trained; [B, H], [B, H, K], [B, H, K]. */
  float *dSlopes, *dTable, *dGate;
};
