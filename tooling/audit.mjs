// Known vulnerabilities in what a user's install brings: `pnpm audit` of the dependencies that are not for development.
import { execFile } from 'node:child_process'
import { pnpmVersion, root } from './setup.mjs'

/** Advisories of these severities fail the check; milder ones are printed. */
const FAILING = ['high', 'critical']

/**
 * @typedef {{ severity: string, module_name: string, title: string, url: string }} Advisory
 * @typedef {{ failing: string[], milder: string[] } | { unanswered: string }} Audit
 */

/**
 * What `pnpm audit --json` printed, as lines; or why there was no answer.
 * @param {string} output
 * @returns {Audit}
 */
export function readAudit(output) {
  let report
  try {
    report = JSON.parse(output)
  } catch {
    return { unanswered: 'pnpm audit printed no JSON' }
  }
  // The first sentence: the rest names the registry's addresses.
  if (report.error) return { unanswered: `the registry does not answer audits (${report.error.code})` }
  /** @type {Advisory[]} */
  const advisories = Object.values(report.advisories ?? {})
  const line = (/** @type {Advisory} */ { severity, module_name, title, url }) =>
    `${severity}: ${module_name}: ${title} (${url})`
  const fails = (/** @type {Advisory} */ { severity }) => FAILING.includes(severity)
  return { failing: advisories.filter(fails).map(line), milder: advisories.filter((a) => !fails(a)).map(line) }
}

/** @returns {Promise<Audit>} */
export const audit = () =>
  new Promise((resolve) => {
    const args = ['--yes', pnpmVersion, 'audit', '--prod', '--json']
    // pnpm's exit code is 1 for findings and for no answer alike.
    execFile('npx', args, { cwd: root, timeout: 60_000, maxBuffer: 2 ** 26 }, (_, output) => resolve(readAudit(output)))
  })
