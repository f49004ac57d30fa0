// Letters: L tokens, d rotaryDim.
import {
  checkInteger,
  checkOneOf,
  checkOptions,
  checkPositive,
  defineStrategy,
  fail,
  type Positions,
  type Rotation,
  type RotationStrategy,
} from '@alibi/core'
import { plainFrequencies, type RotaryScaling } from './scaling.js'

/** What {@link rotary} takes. */
export interface RotaryOptions {
  /** d, the leading features of a head that rotate; even, ≤ headDim. */
  readonly rotaryDim: number
  /** Default 10 000. */
  readonly base?: number
  /** Features that turn together: (i, i + d/2) as in GPT-NeoX and Llama, or (2i, 2i + 1). Default `half`. */
  readonly pairing?: 'half' | 'interleaved'
  /** E.g. `yarnScaling({ factor: 4, originalMaxPositions: 2048 })`. Default none. */
  readonly scaling?: RotaryScaling
}

/**
 * Queries and keys turned by position·base^(−2i/d), so that their product depends on the distance (Su et al., RoFormer,
 * 2021, eq. 15).
 *
 * @throws RangeError for an odd rotaryDim, or a scaling without one finite frequency a pair; TypeError for a scaling that has
 * no frequencies, or an unknown option
 */
export function rotary(options: RotaryOptions): RotationStrategy {
  checkOptions('rotary', options, ['rotaryDim', 'base', 'pairing', 'scaling'])
  const { scaling } = options
  // A model's configuration, { type: 'linear', factor: 4 }, would otherwise be ignored.
  if (scaling !== undefined && typeof scaling?.frequencies !== 'function')
    fail(
      'rotary',
      'scaling with frequencies',
      `${JSON.stringify(scaling)}; make it with linearScaling, yarnScaling …`,
      TypeError,
    )
  const { frequencies, ...rotation } = baseRotation('rotary', options, scaling)
  const magnitude = scaling?.magnitude ?? 1
  checkPositive('rotary', 'scaling.magnitude', magnitude)
  const strategy: RotationStrategy = defineStrategy({
    name: 'rotary',
    rotation: {
      ...rotation,
      ...(magnitude !== 1 && {
        magnitudes: (positions: Positions) => new Float64Array(positions.length * frequencies.length).fill(magnitude),
      }),
    },
  })
  madeOf.set(strategy.rotation, Object.freeze({ base: 10_000, pairing: 'half' as const, ...options }))
  return strategy
}

type MadeWith = RotaryOptions & Required<Omit<RotaryOptions, 'scaling'>>

const madeOf = new WeakMap<Rotation, MadeWith>()

/**
 * The options, defaults included, of a rotation that {@link rotary} made, also where it is part of another strategy.
 *
 * @returns undefined for any other rotation
 * @throws TypeError for what is no rotation
 */
export function rotaryOptions(rotation: Rotation): MadeWith | undefined {
  if (typeof (rotation as Rotation | null | undefined)?.rotaryDim !== 'number')
    fail('rotaryOptions', 'a rotation', rotation, TypeError)
  return madeOf.get(rotation)
}

/** What rotary and xPos share: validation, and angles that grow with the position. */
export function baseRotation(
  where: string,
  { rotaryDim, base = 10_000, pairing = 'half' }: RotaryOptions,
  scaling?: RotaryScaling,
): Omit<Rotation, 'magnitudes'> & { readonly frequencies: readonly number[] } {
  checkInteger(where, 'rotaryDim', rotaryDim, 2)
  checkPositive(where, 'base', base)
  checkOneOf(where, 'pairing', pairing, ['half', 'interleaved'])
  if (rotaryDim % 2) fail(where, 'an even rotaryDim', `${rotaryDim}; features turn in pairs`)
  const frequenciesAt = (length?: number) => {
    const made = scaling ? scaling.frequencies(rotaryDim, base, length) : plainFrequencies(rotaryDim, base)
    if (made?.length !== rotaryDim / 2 || !made.every(Number.isFinite))
      fail(where, `${rotaryDim / 2} finite frequencies of the scaling, one a pair`, `[${made}]`)
    return made
  }
  const frequencies = frequenciesAt()
  const angles = scaling?.readsLength
    ? (positions: Positions, length = lengthOf(positions)) => anglesOf(positions, frequenciesAt(length))
    : (positions: Positions) => anglesOf(positions, frequencies)
  return { rotaryDim, pairing, cacheable: !scaling?.readsLength, angles, frequencies }
}

/** position·frequency; row-major [L, d/2]. */
const anglesOf = (positions: Positions, frequencies: readonly number[]): Float64Array =>
  Float64Array.from(
    { length: positions.length * frequencies.length },
    (_, i) => positions[Math.floor(i / frequencies.length)]! * frequencies[i % frequencies.length]!,
  )

const lengthOf = (positions: Positions) => positions.reduce((last, p) => Math.max(last, p), -1) + 1
