import { defineConfig } from 'vitest/config'
import { SummaryReporter } from './tooling/summary-reporter.mjs'

// Packages resolve to their TypeScript sources, so tests need no build and stack traces point at the code.
const conditions = ['@alibi/source', 'node', 'import', 'module', 'default']
const summary = process.env.ALIBI_TEST_SUMMARY

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['@alibi/source', 'node'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'tooling/**/*.test.ts'],
    setupFiles: ['tooling/matchers/src/setup.ts'],
    reporters: summary ? ['default', new SummaryReporter(summary)] : ['default'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
