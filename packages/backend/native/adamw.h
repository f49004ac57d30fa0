// What a step of AdamW takes besides its arrays.
#pragma once

/** How fast the moments forget, the learning rate times the moments' correction, epsilon, the share of a weight that decays, clipping. */
struct AdamwStep {
  float beta1, beta2, rate, epsilon, decay, factor;
};
