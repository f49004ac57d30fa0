import * as tf from '@tensorflow/tfjs'

/**
 * Names of the arrays that hold NaN or ±∞. One number an array crosses from the device: 0·x is 0 for all others.
 */
async function notFinite(variables: ReadonlyMap<string, tf.Variable>): Promise<string[]> {
  const sums = tf.tidy(() => tf.stack([...variables.values()].map((v) => tf.sum(tf.mul(v, 0)))))
  const values = await sums.data().finally(() => sums.dispose())
  return [...variables.keys()].filter((_, i) => !Number.isFinite(values[i]!))
}

/** Names, the first few of many. */
const some = (names: readonly string[]) =>
  names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`

/**
 * Before the first step: what is not finite then is no fault of the training.
 *
 * @throws Error that names the arrays
 */
export async function checkWeights(
  weights: ReadonlyMap<string, tf.Variable>,
  { step, strategy }: { readonly step: number; readonly strategy: string },
): Promise<void> {
  const names = await notFinite(weights)
  if (names.length)
    throw new Error(
      `trainStep: expected finite weights of ${strategy} before step ${step + 1}, got NaN or ±Infinity in ${some(names)}; their starting values or the checkpoint are wrong, not the learning rate`,
    )
}

/**
 * What probably made a loss NaN or infinite, and what to do.
 *
 * @param step - the step that met it, from 1
 * @param updates - that this trainer has made before
 */
export function lossNotFinite(
  loss: number,
  { step, updates, strategy }: { readonly step: number; readonly updates: number; readonly strategy: string },
): Error {
  const cause =
    updates === 0
      ? 'its weights were finite and nothing was updated yet: look at the values that the strategy gives for these positions, and at attentionStorage float16'
      : 'its weights were finite before training, so updates were too large: lower the learning rate, warm up for longer, or clip gradients with clipNorm'
  const message = `trainStep: expected a finite loss, got ${loss} at step ${step} of ${strategy}; ${cause}`
  // Callers that record losses, such as the bench, record this one too.
  return Object.assign(new Error(message), { loss })
}
