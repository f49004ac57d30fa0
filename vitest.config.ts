import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './tooling/longest-first.mjs'
import { SummaryReporter } from './tooling/summary-reporter.mjs'

// Packages resolve to their TypeScript sources, so tests need no build and stack traces point at the code. Vite adds
// 'import' by itself; here it would reach CommonJS packages too, whose require would then find modules. 'module' is what only
// bundlers can load.
const conditions = ['@alibi/source', 'node']
const summary = process.env.ALIBI_TEST_SUMMARY

// It imports JSON as bundlers do, so Vite loads it; its source maps name files that it does not have.
const workflowParser = {
  name: 'workflow-parser-without-source-maps',
  load: (id: string) =>
    /workflow-parser\/.*\.js$/.test(id)
      ? readFileSync(id, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, '')
      : undefined,
}

export default defineConfig({
  plugins: [workflowParser],
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@alibi/source', 'node'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'tooling/**/*.test.ts'],
    setupFiles: ['tooling/matchers/src/setup.ts'],
    reporters: summary ? ['default', new SummaryReporter(summary)] : ['default'],
    server: { deps: { inline: ['@actions/workflow-parser'] } },
    pool: 'forks',
    // One less than the cores would leave half of a small machine idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    // Machines differ, and some tests start many processes.
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
})
