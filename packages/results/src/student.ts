/**
 * The two-sided p-value of Student's t: the chance that |T| is at least |t|, for a whole number of degrees of freedom
 * (Abramowitz and Stegun, 26.7.3 and 26.7.4).
 *
 * @param degrees - ≥ 1
 */
export function studentP(t: number, degrees: number): number {
  const angle = Math.atan(Math.abs(t) / Math.sqrt(degrees))
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)]
  const odd = degrees % 2 === 1
  let term = odd ? cosine : 1
  let sum = degrees === 1 ? 0 : term
  for (let k = odd ? 3 : 2; k < degrees; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k
    sum += term
  }
  const inside = odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum
  return Math.max(0, 1 - inside)
}

/** The t that |T| is above with chance `p`: the inverse of {@link studentP} for 0 < p < 1, by bisection. */
export function studentQuantile(p: number, degrees: number): number {
  let [low, high] = [0, 1]
  while (studentP(high, degrees) > p) high *= 2
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2
    if (studentP(middle, degrees) > p) low = middle
    else high = middle
  }
  return (low + high) / 2
}
