/** How {@link t5Bucket} divides distances. */
export interface BucketOptions {
  /** Of both sides together; an even number if bidirectional. */
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
 */
export function t5Bucket(distance: number, { numBuckets, maxDistance, bidirectional }: BucketOptions): number {
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
