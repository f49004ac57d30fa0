import { initialParameters, positionRange, reference, scoreBias } from '@alibi/core'
import { describe, expect, it } from 'vitest'
import { alibi, alibiSlopes } from '../src/index.js'

describe('alibiSlopes', () => {
  it.each([
    [1, [2 ** -8]],
    [3, [2 ** -4, 2 ** -8, 2 ** -2]],
    [6, [2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8, 2 ** -1, 2 ** -3]],
    [12, [1, 2, 3, 4, 5, 6, 7, 8].map((k) => 2 ** -k).concat([2 ** -0.5, 2 ** -1.5, 2 ** -2.5, 2 ** -3.5])],
  ])('follows the authors for %i heads', (heads, slopes) => expect(alibiSlopes(heads)).toEqual(slopes))
})

it('penalises distance, whatever the offset', () => {
  const { bias } = alibi({ numHeads: 2 })
  const full = scoreBias(reference, bias, {}, positionRange(0, 4), positionRange(0, 4))
  expect([...full.data.slice(12, 16)]).toEqual([-3 / 16, -2 / 16, -1 / 16, 0])
  const step = scoreBias(reference, bias, {}, positionRange(1003, 1), positionRange(1000, 4))
  expect([...step.data.slice(0, 4)]).toEqual([...full.data.slice(12, 16)])
})

it('refuses slopes that are not one a head', () => {
  expect(() => alibi({ numHeads: 2, slopes: [1] })).toThrow('alibi: expected 2 finite slopes')
  expect(() => alibi({ numHeads: 0 })).toThrow('integer numHeads ≥ 1, got 0')
  expect(() => alibi({ numHeads: 2, scale: -1 })).toThrow('finite scale > 0, got -1')
})

describe('nonsymmetric', () => {
  it('scales and learns slopes of one’s own, one a head', () => {
    const { bias, parameters } = alibi({
      numHeads: 2,
      direction: 'nonsymmetric',
      slopes: [0.5, 0.25],
      learned: true,
      scale: 0.5,
    })
    const tile = scoreBias(
      reference,
      bias,
      initialParameters(reference, parameters),
      Int32Array.of(5),
      Int32Array.of(3, 7),
    )
    expect(tile).toBeAllclose({ data: [-0.5, -1e30, -1e30, -0.25], shape: [2, 1, 2] }, { rtol: 1e-12 })
  })

  it('lets half of the heads look back and half ahead', () => {
    const { bias } = alibi({ numHeads: 4, direction: 'nonsymmetric' })
    const tile = scoreBias(reference, bias, {}, Int32Array.of(5), Int32Array.of(3, 5, 7))
    const [steep, gentle] = alibiSlopes(2) as [number, number]
    const row = (head: number) => [...tile.data.slice(3 * head, 3 * head + 3)]
    expect(row(0)).toEqual([-2 * steep, 0, -1e30 - 2 * steep])
    expect(row(1)).toEqual([-2 * gentle, 0, -1e30 - 2 * gentle])
    expect(row(2)).toEqual([-1e30 - 2 * steep, 0, -2 * steep])
    expect(row(3)).toEqual([-1e30 - 2 * gentle, 0, -2 * gentle])
  })

  it('needs an even number of heads', () => {
    expect(() => alibi({ numHeads: 3, direction: 'nonsymmetric' })).toThrow('even numHeads when nonsymmetric, got 3')
  })
})

it('scales and learns the slopes from where they start', () => {
  const { bias, parameters } = alibi({ numHeads: 2, learned: true, scale: 0.5 })
  if (bias?.kind !== 'linear') throw new Error('expected a linear bias')
  const slopes = bias.slopes(reference, initialParameters(reference, parameters))
  expect(slopes).toBeAllclose({ data: [2 ** -5, 2 ** -9], shape: [2] }, { rtol: 1e-12 })
})
