import type { Activation } from '@alibi/transformer'
import type { Fields } from './fields.js'

/** transformers' names of activations; the first of ours is the one we write. */
const names: readonly (readonly [string, Activation])[] = [
  ['gelu_new', 'gelu'],
  ['gelu_pytorch_tanh', 'gelu'],
  ['gelu_fast', 'gelu'],
  ['gelu', 'gelu-exact'],
  ['relu', 'relu'],
  ['silu', 'silu'],
  ['swish', 'silu'],
]

export function readActivation(fields: Fields, name: string, fallback: string): Activation {
  fields.only(name, ...names.map(([theirs]) => theirs))
  const given = fields.text(name, fallback)
  return names.find(([theirs]) => theirs === given)![1]
}

export const writeActivation = (activation: Activation): string => names.find(([, ours]) => ours === activation)![0]
