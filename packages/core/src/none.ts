import type { PositionStrategy } from './strategy.js'

/** NoPE: no position information but the causal mask (Haviv et al., 2022; Kazemnejad et al., 2023). */
export function none(): PositionStrategy {
  return Object.freeze({ specVersion: 1, name: 'none' })
}
