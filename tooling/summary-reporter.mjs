import { writeFileSync } from 'node:fs'

/**
 * @typedef {{ name: string, reason: string }} Skip
 * @typedef {{ passed: number, failed: number, skips: Skip[] }} Summary
 */

/** Writes what `tooling/test.mjs` counts to a file: vitest's own JSON report leaves out why a test was skipped. */
export class SummaryReporter {
  /** @param {string} path */
  constructor(path) {
    this.path = path
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} errors - thrown outside of any test
   */
  onTestRunEnd(modules, errors) {
    /** @type {Summary} */
    const summary = { passed: 0, failed: errors.length, skips: [] }
    for (const module of modules) {
      // A file that does not load has no tests: count the file.
      if (module.errors().length) summary.failed++
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') summary.passed++
        else if (result.state === 'failed') summary.failed++
        else {
          const note = result.state === 'skipped' ? result.note : undefined
          const reason = note ?? (test.options.mode === 'todo' ? 'marked as to be written' : 'no reason given')
          summary.skips.push({ name: `${module.relativeModuleId} > ${test.fullName}`, reason })
        }
      }
    }
    writeFileSync(this.path, JSON.stringify(summary))
  }
}
