import { BaseSequencer } from 'vitest/node'

/** Files of a minute and more. Without it a small one of them may start last and be waited for on one core. */
const LONGEST = [
  'packages/transformer/test/kernels.test.ts',
  'packages/transformer/test/webgpu.test.ts',
  'apps/bench/test/replicas.test.ts',
  'apps/bench/test/run.test.ts',
  'apps/bench/test/sweep.test.ts',
  'apps/playground/test/browser.test.ts',
  'apps/bench/test/terminal.test.ts',
  'apps/site/test/site.test.ts',
  'apps/bench/test/report-browser.test.ts',
  'apps/bench/test/queue-workers.test.ts',
  'apps/bench/test/kills.test.ts',
  'apps/bench/test/queue-kills.test.ts',
]

/** Vitest starts files that took longest first, and where it has never run, large ones: a long file need not be large. */
export class LongestFirst extends BaseSequencer {
  /**
   * @override
   * @param {import('vitest/node').TestSpecification[]} files
   */
  async sort(files) {
    const rank = (/** @type {import('vitest/node').TestSpecification} */ { moduleId }) => {
      const place = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`))
      return place < 0 ? LONGEST.length : place
    }
    // Stable: the others keep the order that they have.
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
