import { byLayer, defineStrategy, none } from '@alibi/core'
import { ntkScaling, rotary, yarnScaling } from '@alibi/rotary'
import { describe, expect, it } from 'vitest'
import { builtInStrategies, hasWindows, scaleStrategy, scalingFor, strategyInPlaceOf } from '../src/index.js'

const model = { numHeads: 2, modelDim: 16, trainLength: 32 }
const make = (name: string) => builtInStrategies.make(name, model)
const own = rotary({ rotaryDim: 8, base: 500 })
const at = Int32Array.of(7)
/** As Mistral: all layers with one window; as Gemma 2: every second. */
const mistral = defineStrategy({ ...own, visibility: { window: 4 } })
const gemma = byLayer([mistral, own])

describe('a scaling', () => {
  it('belongs to the train length that positions were first trained at', () => {
    const yarn = { use: 'yarn', options: { factor: 4 } }
    expect(scalingFor(own, yarn, 32).options).toEqual({ factor: 4, originalMaxPositions: 32 })
    const extended = rotary({ rotaryDim: 8, scaling: yarnScaling({ factor: 2, originalMaxPositions: 16 }) })
    expect(scalingFor(extended, yarn, 32).options).toEqual({ factor: 4, originalMaxPositions: 16 })
  })

  it('keeps the base and the windows of a model', () => {
    const scaled = scaleStrategy(gemma, { use: 'ntk', options: { factor: 4 } }, 'ntk')
    const want = rotary({ rotaryDim: 8, base: 500, scaling: ntkScaling({ factor: 4 }) })
    expect(scaled.name).toBe('ntk')
    expect(scaled.layers!.map(({ visibility }) => visibility?.window)).toEqual([4, undefined])
    for (const { rotation } of scaled.layers!) expect(rotation!.angles(at)).toEqual(want.rotation.angles(at))
  })

  it('is refused in one line where nothing turns', () => {
    expect(() => scaleStrategy(make('alibi'), { use: 'ntk', options: { factor: 4 } }, 'ntk-factor-4')).toThrow(
      'positions ntk-factor-4: expected a model with rotary positions to scale, got one with alibi',
    )
  })
})

describe('a strategy in place of another', () => {
  it('is itself in a model that sees all', () => {
    const alibi = make('alibi')
    expect(strategyInPlaceOf(own, alibi)).toBe(alibi)
  })

  it.each(['alibi', 'none', 'learned', 'irope'])('keeps windows: %s', (name) => {
    const made = strategyInPlaceOf(gemma, make(name))
    expect(made.name).toBe(name)
    const window = (layer: number) => made.layers![layer % made.layers!.length]!.visibility?.window
    expect([0, 1, 2, 3].map(window)).toEqual([4, undefined, 4, undefined])
    expect(strategyInPlaceOf(mistral, make('alibi'))).toMatchObject({ name: 'alibi', visibility: { window: 4 } })
  })

  it('has its own windows instead, if it has any', () => {
    const streaming = make('streaming')
    expect(strategyInPlaceOf(gemma, streaming)).toBe(streaming)
    expect([hasWindows(gemma), hasWindows(own)]).toEqual([true, false])
  })

  it('is refused where a softmax has sink logits', () => {
    const sunk = defineStrategy({
      name: 'sunk',
      sink: { numHeads: 2, evaluate: (ops) => ops.tensor(new Float64Array(2), [2]) },
    })
    expect(() => strategyInPlaceOf(sunk, none())).toThrow('expected a model without sink logits, got sunk')
  })
})
