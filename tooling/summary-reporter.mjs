import { writeFileSync } from 'node:fs'

/**
 * @typedef {{ name: string, reason: string }} Skip
 * @typedef {{ passed: number, failures: string[], skips: Skip[] }} Summary
 */

/**
 * The first line of what was thrown.
 * @param {unknown} error
 */
const messageOf = (error) =>
  String(error && typeof error === 'object' && 'message' in error ? error.message : error).replace(/\n.*/s, '')

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
    const summary = { passed: 0, failures: errors.map(messageOf), skips: [] }
    for (const module of modules) {
      // A file that does not load has no tests: count the file.
      const [broken] = module.errors()
      if (broken) summary.failures.push(`${module.relativeModuleId}: ${messageOf(broken)}`)
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') summary.passed++
        else if (result.state === 'failed') {
          summary.failures.push(`${module.relativeModuleId} > ${test.fullName}: ${messageOf(result.errors[0])}`)
        } else {
          const note = result.state === 'skipped' ? result.note : undefined
          const reason = note ?? (test.options.mode === 'todo' ? 'marked as to be written' : 'no reason given')
          summary.skips.push({ name: `${module.relativeModuleId} > ${test.fullName}`, reason })
        }
      }
    }
    writeFileSync(this.path, JSON.stringify(summary))
  }
}
