import * as tf from '@tensorflow/tfjs'

/** Waits for everything before it on the device. */
export async function finished(x: tf.Tensor): Promise<void> {
  const first = tf.tidy(() => tf.slice(tf.reshape(x, [-1]), 0, 1))
  await first.data()
  first.dispose()
}

/** Seconds of `run`, the best of five, and of waiting for what it returns; its result is disposed. */
async function best(run: () => tf.Tensor): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 6; i++) {
    const started = performance.now()
    const result = tf.tidy(run)
    await finished(result)
    // The first compiles.
    if (i) least = Math.min(least, (performance.now() - started) / 1000)
    result.dispose()
  }
  return least
}

/** Microseconds that a dispatch of next to no work costs, in a row of them. */
export async function dispatchMicroseconds(): Promise<number> {
  const chain = (length: number) => () => {
    let x: tf.Tensor = tf.fill([4], 1)
    for (let i = 0; i < length; i++) x = tf.mul(x, x)
    return x
  }
  // The difference leaves out what waiting costs.
  return ((await best(chain(1100))) - (await best(chain(100)))) * 1e3
}

/** Bytes read and written a second, in a product of each number with another. */
export async function copyBandwidth(numbers: number): Promise<number> {
  const x = tf.fill([numbers], 1)
  const chain = (length: number) => () => {
    let y = x
    for (let i = 0; i < length; i++) y = tf.mul(y, 1.0001)
    return y
  }
  const seconds = (await best(chain(11))) - (await best(chain(1)))
  x.dispose()
  return (10 * 8 * numbers) / seconds
}

/** Floating-point operations a second in a product of square matrices. */
export async function productRate(n: number): Promise<number> {
  const a = tf.randomNormal([n, n])
  const b = tf.randomNormal([n, n])
  const seconds = await best(() => tf.matMul(a, b))
  tf.dispose([a, b])
  return (2 * n ** 3) / seconds
}
