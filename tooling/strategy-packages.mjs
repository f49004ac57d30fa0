/** Folders of the packages of strategies, which import core alone. */
// biome-ignore format: a table
export const STRATEGIES = [
  'alibi', 'cope', 'fire', 'forgetting', 'kerple', 'rotary', 'sandwich', 'sinusoidal', 'streaming', 't5-bias',
  'transformer-xl',
]
