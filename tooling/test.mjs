// `npm test`: set up, run every check and every test, end with one line. Arguments go to vitest, without the checks:
//     npm test -- packages/core
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { audit } from './audit.mjs'
import { prepareChromium } from './chromium.mjs'
import { kernelsOnLavapipe, NO_LAVAPIPE, prepareLavapipe } from './lavapipe.mjs'
import { prepareNamespaces } from './namespaces.mjs'
import { NO_OTHER_NODE, NODES } from './other-node.mjs'
import { prepareRedis } from './redis.mjs'
import { pnpm, root, run, setUp, step } from './setup.mjs'

const filters = process.argv.slice(2)
const started = Date.now()
/** @type {import('./summary-reporter.mjs').Summary} */
const total = { passed: 0, failures: [], skips: [] }

/**
 * @param {string} name
 * @param {() => Promise<number>} check - resolves to an exit code
 */
async function check(name, check) {
  step(name)
  const before = Date.now()
  const code = await check()
  if (code >= 128) process.exit(code)
  if (code === 0) total.passed++
  else total.failures.push(`${name} (exit code ${code})`)
  console.log(`${code === 0 ? 'ok' : 'FAILED'}: ${name}, ${((Date.now() - before) / 1000).toFixed(1)} s`)
}

/** Skipped where the registry does not answer audits: mirrors often do not. */
async function checkAudit() {
  const name = 'Known vulnerabilities'
  const found = await audit()
  if ('unanswered' in found) {
    total.skips.push({ name, reason: found.unanswered })
    return
  }
  await check(name, async () => {
    for (const line of [...found.failing, ...found.milder]) console.log(line)
    return found.failing.length ? 1 : 0
  })
}

async function tests() {
  step('Tests')
  const folder = mkdtempSync(join(tmpdir(), 'alibi-test-'))
  const path = join(folder, 'summary.json')
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const code = await run(process.execPath, [vitest, 'run', ...filters], { ALIBI_TEST_SUMMARY: path })
    if (code >= 128) process.exit(code)
    /** @type {import('./summary-reporter.mjs').Summary} */
    const summary = JSON.parse(readFileSync(path, 'utf8'))
    total.passed += summary.passed
    total.skips.push(...summary.skips)
    total.failures.push(...summary.failures)
    if (code !== 0 && summary.failures.length === 0) total.failures.push(`vitest (exit code ${code})`)
  } catch (error) {
    total.failures.push(`vitest ended without a summary (${error instanceof Error ? error.message : error})`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// Tests ask nothing, and leave the build of TensorFlow that is prepared.
await setUp([], 'ignore')
if (filters.length === 0) {
  // On one core, while the checks up to the docstrings, which only read as well, take another.
  const types = check('Types', () => pnpm('exec', 'tsc', '--noEmit', '-p', 'tsconfig.json'))
  await check('Lint and format', () => pnpm('exec', 'biome', 'check', '.'))
  await check('Unused code and dependencies', () => pnpm('exec', 'knip'))
  await check('Package rules', () => run(process.execPath, ['tooling/check-packages.mjs']))
  await check('Public APIs', () => run(process.execPath, ['tooling/api-report.mjs']))
  await check('Docstrings', () => run(process.execPath, ['tooling/api-docs.mjs', '--check']))
  await types
  await check('Published packages', () => pnpm('exec', 'turbo', 'run', 'check', '--output-logs=errors-only'))
  await check('Sizes', () => pnpm('exec', 'size-limit'))
  await checkAudit()
  const [, , newest] = NODES
  const smoke = `A run on Node ${newest}`
  if (NO_OTHER_NODE) total.skips.push({ name: smoke, reason: NO_OTHER_NODE })
  else await check(smoke, () => run(process.execPath, ['tooling/smoke.mjs', newest]))
  step('Preparing Chromium (for the tests of pages)')
  await prepareChromium()
  step('Preparing Redis (for the tests of sweeps on several machines)')
  await prepareRedis()
  await prepareNamespaces()
}
await tests()
if (filters.length === 0) {
  // Afterwards: the tests before it have SwiftShader.
  step('Preparing lavapipe (a second adapter for the kernels of WebGPU)')
  await prepareLavapipe()
  const name = 'WebGPU kernels on lavapipe'
  const kernels = await kernelsOnLavapipe()
  if (kernels) await check(name, kernels)
  else total.skips.push({ name, reason: NO_LAVAPIPE })
}

if (total.skips.length) {
  step('Skipped')
  for (const { name, reason } of total.skips) console.log(`${name}: ${reason}`)
}
if (total.failures.length) {
  step('Failed')
  for (const failure of total.failures) console.log(failure)
}
console.log(`\nTook ${((Date.now() - started) / 60_000).toFixed(1)} minutes.\n`)
console.log(`${total.passed} passed, ${total.failures.length} failed, ${total.skips.length} skipped`)
if (total.failures.length || total.passed === 0) process.exitCode = 1
