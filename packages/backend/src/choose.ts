import * as tf from '@tensorflow/tfjs'
import { type LoadedBackend, oneLine } from './loaded.js'

/** A backend that was not chosen, and why in one line. */
export interface PassedOver<Name extends string = string> {
  /** The backend that was asked for. */
  readonly name: Name
  /** Why it was not chosen, in one line. */
  readonly reason: string
}

/** The backend that TensorFlow.js now computes with, of those that there may be where the program runs. */
export interface Chosen<Name extends string> extends LoadedBackend {
  /** As TensorFlow.js calls it. */
  readonly name: Name
  /** Every other backend, in the order of preference. */
  readonly passedOver: readonly PassedOver<Name>[]
}

/**
 * Loads the wanted backend, or the first that works, and makes TensorFlow.js use it.
 *
 * @param loaders - by name, in the order of preference; a GPU comes before a backend without one
 */
export async function chooseBackend<Name extends string>(
  wanted: Name | 'auto',
  loaders: Readonly<Record<Name, () => Promise<LoadedBackend>>>,
): Promise<Chosen<Name>> {
  const names = Object.keys(loaders) as Name[]
  if (wanted !== 'auto' && !names.includes(wanted))
    throw new RangeError(`selectBackend: expected auto, ${names.join(', ')}, got ${String(wanted)}`)
  // Silences hints that would break progress bars, and checks that read tensors back.
  tf.enableProdMode()
  const reasons = new Map<Name, string>()
  let chosen: (LoadedBackend & { name: Name }) | undefined
  for (const name of names) {
    if (wanted !== 'auto' && wanted !== name) reasons.set(name, `${wanted} was asked for`)
    else if (chosen && (chosen.isGpu || name !== 'webgpu')) reasons.set(name, `${chosen.name} is faster`)
    else
      try {
        const loaded = await loaders[name]()
        if (!(await tf.setBackend(name))) throw new Error('TensorFlow.js could not initialise it')
        if (chosen) reasons.set(chosen.name, 'it sees no GPU')
        chosen = { name, ...loaded }
      } catch (error) {
        const reason = oneLine(error)
        if (wanted === name) throw new Error(`selectBackend: expected ${name} to work here, got: ${reason}`)
        reasons.set(name, reason)
      }
  }
  // cpu needs nothing but JavaScript: one of them was chosen.
  await tf.setBackend(chosen!.name)
  const passedOver = names.flatMap((name) => {
    const reason = reasons.get(name)
    return reason ? [{ name, reason }] : []
  })
  return Object.freeze({ ...chosen!, passedOver })
}
