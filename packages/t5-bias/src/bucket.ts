import { checkBoolean, checkInteger, checkOptions, fail } from '@alibi/core'

/** How {@link t5Bucket} divides distances. */
export interface BucketOptions {
  /** How many buckets both sides have together; an even number if bidirectional. */
  readonly numBuckets: number
  /** In tokens; distances from here on share the last bucket. */
  readonly maxDistance: number
  /** Whether keys ahead have buckets of their own. */
  readonly bidirectional: boolean
}

/**
 * T5's bucket of a distance: exact up to half of the buckets, then logarithmic up to maxDistance (Raffel et al., 2020,
 * §2.1). Bidirectional: half of the buckets for each side.
 *
 * @param distance - query − key; positive looks back. T5's own code has the opposite sign.
 * @returns from 0 to numBuckets − 1
 * @throws RangeError or TypeError for a distance that is no integer, buckets below 2 (or odd or below 4 when
 * bidirectional), or a maxDistance within the buckets that are exact
 */
export function t5Bucket(distance: number, options: BucketOptions): number {
  checkInteger('t5Bucket', 'distance', distance, Number.MIN_SAFE_INTEGER)
  checkOptions('t5Bucket', options, ['numBuckets', 'maxDistance', 'bidirectional'])
  checkBuckets('t5Bucket', options)
  return bucketOf(distance, options)
}

/** @throws RangeError or TypeError for buckets that cannot be */
export function checkBuckets(where: string, { numBuckets, maxDistance, bidirectional }: BucketOptions): void {
  checkBoolean(where, 'bidirectional', bidirectional)
  checkInteger(where, 'numBuckets', numBuckets, bidirectional ? 4 : 2)
  if (bidirectional && numBuckets % 2) fail(where, 'an even numBuckets when bidirectional', numBuckets)
  checkInteger(where, 'maxDistance', maxDistance, Math.floor(numBuckets / (bidirectional ? 4 : 2)) + 1)
}

/** {@link t5Bucket} of what was checked before. */
export function bucketOf(distance: number, { numBuckets, maxDistance, bidirectional }: BucketOptions): number {
  const buckets = bidirectional ? numBuckets / 2 : numBuckets
  const offset = bidirectional && distance < 0 ? buckets : 0
  const n = bidirectional ? Math.abs(distance) : Math.max(distance, 0)
  const exact = Math.floor(buckets / 2)
  if (n < exact) return offset + n
  // T5 computes this in fp32; so do we, or a few boundaries move by one.
  const f = Math.fround
  const ratio = f(f(Math.log(f(n / exact))) / f(Math.log(maxDistance / exact)))
  return offset + Math.min(buckets - 1, exact + Math.floor(f(ratio * (buckets - exact))))
}
