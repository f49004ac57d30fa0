// Letters: R rows, P values of a row, K places of a row.
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'

/**
 * Values at fractional places of their row, on the line between the two nearest. It holds a few numbers for each place,
 * however many values a row has.
 *
 * @param values - shape [..., P]
 * @param places - shape [..., K]; those beyond an end read that end
 * @returns shape [..., K]
 */
export function interpolate(values: tf.Tensor, places: tf.Tensor): tf.Tensor {
  const { shape } = places
  const P = values.shape.at(-1)!
  return customGrad(
    { values, places },
    ({ values, places }) => {
      const { below, share } = partsOf(places, P)
      const byRow = tf.reshape(values, [-1, P]) as tf.Tensor2D
      const start = taken(byRow, below, shape)
      const rise = taken(rises(byRow), below, shape)
      return { value: tf.add(start, tf.mul(share, rise)), saved: { below, share, rise, places } }
    },
    (dy, { below, share, rise, places }) => {
      const starts = added(dy, below, values.size, P)
      const ofRises = gradientOfRises(added(tf.mul(dy, share), below, values.size, P))
      return {
        values: tf.reshape(tf.add(starts, ofRises), values.shape),
        // No place below the first value has a slope.
        places: tf.mul(tf.mul(dy, rise), tf.sign(tf.relu(places))),
      }
    },
  )
}

/** The flat index of the value at or below each place, [R·K], and how far the place is above it, [..., K]. */
function partsOf(places: tf.Tensor, P: number) {
  const K = places.shape.at(-1)!
  const R = places.size / K
  const fromStart = tf.relu(places)
  const floor = tf.floor(fromStart)
  // Limited as integers, so that NaN has a valid index too; it comes back as NaN by `share`.
  const index = tf.maximum(tf.minimum(tf.cast(floor, 'int32'), tf.scalar(P - 1, 'int32')), tf.scalar(0, 'int32'))
  const firsts = tf.reshape(tf.range(0, R * P, P, 'int32'), [R, 1])
  const below = tf.reshape(tf.add(tf.reshape(index, [R, K]), firsts), [R * K]) as tf.Tensor1D
  return { below, share: tf.sub(fromStart, floor) }
}

/** From each value to the next; 0 from the last, so that a place beyond it reads it. [R, P] */
function rises(values: tf.Tensor2D): tf.Tensor {
  const P = values.shape[1]
  const next = Int32Array.from({ length: P }, (_, n) => Math.min(n + 1, P - 1))
  return tf.sub(tf.gather(values, tf.tensor1d(next, 'int32'), 1), values)
}

/** What the values get of a gradient of their {@link rises}; [R, P]. */
function gradientOfRises(dy: tf.Tensor2D): tf.Tensor {
  const [R, P] = dy.shape
  const last = tf.tensor1d(Float32Array.from({ length: P }, (_, n) => Number(n < P - 1)))
  const own = tf.mul(dy, last) as tf.Tensor2D
  const before = tf.slice(
    tf.pad(own, [
      [0, 0],
      [1, 0],
    ]),
    [0, 0],
    [R, P],
  )
  return tf.sub(before, own)
}

/** By gatherND, which takes half the time of gather in tensorflow. */
const taken = (x: tf.Tensor, indices: tf.Tensor1D, shape: number[]) =>
  tf.reshape(tf.gatherND(tf.reshape(x, [-1]), tf.reshape(indices, [-1, 1])), shape)

/** Sums of all that goes to an index; [R, P]. */
function added(x: tf.Tensor, indices: tf.Tensor1D, size: number, P: number): tf.Tensor2D {
  const flat = tf.reshape(x, [-1])
  // unsortedSegmentSum of cpu reads all values again for each index.
  const sums =
    tf.getBackend() === 'cpu'
      ? tf.scatterND(tf.reshape(indices, [-1, 1]), flat, [size])
      : tf.unsortedSegmentSum(flat, indices, size)
  return tf.reshape(sums, [-1, P])
}
