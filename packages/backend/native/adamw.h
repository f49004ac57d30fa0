// What a step of AdamW takes besides its arrays.
#pragma once

/**
 * What the moments keep and what they take, the learning rate times the moments' correction, epsilon, the share of a weight that decays,
 * clipping. 1 − beta comes from float64: of a beta near 1 float32 has few digits left.
 */
struct AdamwStep {
  float beta1, beta2, taken1, taken2, rate, epsilon, decay, factor;
};
