import { defineStrategy, none } from '@alibi/core'
import { gemmaLocal, irope, linearScaling, ntkScaling, rotary, xPos } from '@alibi/rotary'
import { describe, expect, it } from 'vitest'
import { withScaling } from '../src/with-scaling.js'

const at = Int32Array.of(1, 9)
const scaling = linearScaling({ factor: 4 })

describe('another scaling', () => {
  it('takes the place of that of a strategy, and of nothing else', () => {
    const before = rotary({ rotaryDim: 8, base: 500, pairing: 'interleaved', scaling: ntkScaling({ factor: 3 }) })
    const windowed = defineStrategy({ ...before, name: 'mine', visibility: { window: 5 } })
    const made = withScaling(windowed, scaling)
    const want = rotary({ rotaryDim: 8, base: 500, pairing: 'interleaved', scaling })
    expect(made).toMatchObject({ name: 'mine', visibility: { window: 5 }, rotation: { pairing: 'interleaved' } })
    expect(made.rotation.angles(at)).toEqual(want.rotation.angles(at))
    expect(withScaling(made).rotation.angles(at)).toEqual(rotary({ rotaryDim: 8, base: 500 }).rotation.angles(at))
  })

  it('is that of every layer with the same rotation, and none without', () => {
    const { layers } = withScaling(irope({ rotaryDim: 8 }), scaling)
    const { rotation } = rotary({ rotaryDim: 8, scaling })
    expect(layers.map((layer) => layer.rotation?.angles(at))).toEqual([
      ...new Array(3).fill(rotation.angles(at)),
      undefined,
    ])
    expect(new Set(layers).size).toBe(2)
  })

  it('leaves local layers with a base of their own', () => {
    const before = gemmaLocal({ rotaryDim: 8, localLayers: 1 })
    const { layers } = withScaling(before, scaling)
    expect(layers[0]).toBe(before.layers[0])
    expect(layers[1]!.rotation!.angles(at)).toEqual(
      rotary({ rotaryDim: 8, base: 1_000_000, scaling }).rotation.angles(at),
    )
  })

  it.each([
    [none(), 'got none, which turns none'],
    [xPos({ rotaryDim: 8 }), 'got xpos, which turns them otherwise'],
    [
      defineStrategy({ name: 'rotary', rotation: { ...rotary({ rotaryDim: 8 }).rotation } }),
      'got rotary, which turns them otherwise',
    ],
  ])('is refused for %o', (strategy, message) => {
    expect(() => withScaling(strategy, scaling)).toThrow(
      `withScaling: expected a strategy whose queries and keys rotary turns, ${message}`,
    )
  })
})
