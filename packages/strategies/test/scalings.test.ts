import { type RotaryScaling, yarnScaling } from '@alibi/rotary'
import { describe, expect, it } from 'vitest'
import { parseScaling, scalingNames, strategyNames } from '../src/index.js'
import { completeScaling, makeScaling } from '../src/scalings.js'

const frequencies = (scaling: RotaryScaling) => scaling.frequencies(8, 10_000, 64)

describe('a scaling by its name', () => {
  it('has options by their names, and a name of its own in results', () => {
    expect(parseScaling('yarn:factor=4:betaFast=16')).toEqual({
      name: 'yarn-betaFast-16-factor-4',
      scaling: { use: 'yarn', options: { factor: 4, betaFast: 16 } },
    })
    expect(parseScaling('linear:factor=2:as=stretched')!.name).toBe('stretched')
    expect(parseScaling('rotary:base=500')).toBeUndefined()
    expect(parseScaling('./yarn.ts')).toBeUndefined()
  })

  it('belongs to the train length of the model, unless it says another', () => {
    const scaling = { use: 'yarn', options: { factor: 4 } }
    const made = makeScaling(completeScaling(scaling, 32))
    expect(frequencies(made)).toEqual(frequencies(yarnScaling({ factor: 4, originalMaxPositions: 32 })))
    const other = { use: 'yarn', options: { factor: 4, originalMaxPositions: 16 } }
    expect(completeScaling(other, 32)).toEqual(other)
    expect(completeScaling({ use: 'linear', options: { factor: 4 } }, 32).options).toEqual({ factor: 4 })
  })

  it.each(scalingNames)('%s is no strategy', (name) => {
    expect(strategyNames).not.toContain(name)
  })

  it.each([
    ['linear:base=5', 'positions linear: expected an option from factor, got base'],
    ['yarn:factor=much', 'positions yarn: factor: expected a number, got much'],
    ['yarn:factor=2:factor=3', 'expected each option once, got factor twice'],
    ['ntk:factor=2:as=rotary', 'positions ntk: expected a name of its own, got rotary'],
  ])('is refused in one line: %s', (text, message) => {
    expect(() => parseScaling(text)).toThrow(message)
  })

  it.each([
    [{ use: 'linear', options: {} }, 'linearScaling: expected a finite factor > 0, got undefined'],
    [{ use: 'yarn', options: { factor: 0.5 } }, 'yarnScaling: expected'],
    [{ use: 'spiral', options: {} }, 'positions: expected a scaling from linear, ntk, yarn'],
  ])('cannot be made of %j', (scaling, message) => {
    expect(() => makeScaling(scaling)).toThrow(message)
  })
})
