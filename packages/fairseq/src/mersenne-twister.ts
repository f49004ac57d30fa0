/** Orders of fairseq are numpy's: draws from Matsumoto and Nishimura's MT19937 (1998), as `numpy.random.seed` starts it. */
export interface NumpyRandom {
  /** Shuffles in place, as `numpy.random.shuffle` does; of 0 … n − 1 it makes `numpy.random.permutation(n)`. */
  shuffle(list: { [index: number]: number; readonly length: number }): void
}

const [N, M] = [624, 397]

/** @param seed - an integer from 0 to 2³² − 1 */
export function numpyRandom(seed: number): NumpyRandom {
  const state = new Uint32Array(N)
  state[0] = seed
  for (let i = 1; i < N; i++) {
    const before = state[i - 1]! ^ (state[i - 1]! >>> 30)
    state[i] = Math.imul(before, 1_812_433_253) + i
  }
  let at = N

  function twist(): void {
    for (let i = 0; i < N; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % N]! & 0x7fffffff)
      state[i] = state[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0)
    }
    at = 0
  }

  function next(): number {
    if (at === N) twist()
    let y = state[at++]!
    y ^= y >>> 11
    y ^= (y << 7) & 0x9d2c5680
    y ^= (y << 15) & 0xefc60000
    return (y ^ (y >>> 18)) >>> 0
  }

  /** A whole number from 0 to `last`, by rejection below the next power of 2. */
  function upTo(last: number): number {
    const mask = 2 ** (32 - Math.clz32(last)) - 1
    for (;;) {
      const value = (next() & mask) >>> 0
      if (value <= last) return value
    }
  }

  return {
    shuffle(list) {
      for (let i = list.length - 1; i > 0; i--) {
        const j = upTo(i)
        const moved = list[i]!
        list[i] = list[j]!
        list[j] = moved
      }
    },
  }
}
