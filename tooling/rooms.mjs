// Who may import whom: the rooms of the bench lie above each other, and nothing goes in circles. Types count too.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cruise } from 'dependency-cruiser'
import { root } from './setup.mjs'

/** From the top: a room imports from its own row and from those below. */
const ROOMS = [
  ['commands'],
  ['experiment', 'replicas', 'sweep', 'queue', 'report', 'watch', 'paper', 'self-test'],
  ['run-folder', 'checkpoints', 'plugins', 'data', 'sinks'],
  ['config'],
  ['files', 'terminal'],
]
const BENCH = 'apps/bench/src'
/** Rooms, packages and entries that run without TensorFlow.js. */
const WITHOUT_TENSORFLOW = [`^${BENCH}/(config|terminal|files)/`, '^packages/results/src/']

const below = (/** @type {string[]} */ rooms) => `^${BENCH}/(${rooms.join('|')})/`

/** Types count. @type {NonNullable<import('dependency-cruiser').IFlattenedRuleSet['forbidden']>} */
const always = [
  { name: 'files import each other in a circle', from: {}, to: { circular: true } },
  ...ROOMS.slice(1).map((rooms, i) => ({
    name: `imports go down: not from ${rooms.join(', ')} to ${ROOMS.slice(0, i + 1)
      .flat()
      .join(', ')}`,
    from: { path: below(rooms) },
    to: { path: below(ROOMS.slice(0, i + 1).flat()) },
  })),
  {
    name: 'only the command line imports commands',
    from: { path: `^${BENCH}/`, pathNot: `^${BENCH}/(cli\\.ts|commands/)` },
    to: { path: below(['commands']) },
  },
  {
    name: 'folders import each other in a circle',
    scope: 'folder',
    from: { path: `^${BENCH}/` },
    to: { circular: true },
  },
  {
    name: 'no app is a library of another',
    from: { path: '^apps/([^/]+)/' },
    to: { path: '^apps/', pathNot: '^apps/$1/' },
  },
]

/** What is loaded counts. @type {NonNullable<import('dependency-cruiser').IFlattenedRuleSet['forbidden']>} */
const atRuntime = [
  {
    name: 'loads no TensorFlow.js',
    from: { path: WITHOUT_TENSORFLOW },
    to: { path: '(^|/)@tensorflow/|^packages/(transformer|backend)/', reachable: true },
  },
]

/** @returns {Promise<string[]>} what is not as it should be, a line each */
export async function roomProblems() {
  const sources = ['packages', 'apps'].flatMap((kind) =>
    readdirSync(join(root, kind))
      .map((name) => `${kind}/${name}/src`)
      .filter((folder) => existsSync(join(root, folder))),
  )
  const run = (
    /** @type {import('dependency-cruiser').IFlattenedRuleSet} */ ruleSet,
    /** @type {object} */ more = {},
  ) =>
    cruise(
      sources,
      {
        baseDir: root,
        validate: true,
        ruleSet,
        doNotFollow: { path: 'node_modules' },
        exclude: { path: '^(packages|apps)/[^/]+/dist/' },
        ...more,
      },
      { conditionNames: ['@alibi/source', 'node', 'import'], exportsFields: ['exports'] },
    )
  const withTypes = await run(
    {
      forbidden: [...always],
    },
    { tsPreCompilationDeps: true, metrics: true },
  )
  const loaded = await run({ forbidden: atRuntime })
  return [...strangers(), ...[withTypes, loaded].flatMap(violations)]
}

/** Of the bench's rooms. */
function strangers() {
  return readdirSync(join(root, BENCH), { withFileTypes: true })
    .filter((entry) => (entry.isDirectory() ? !ROOMS.flat().includes(entry.name) : entry.name !== 'cli.ts'))
    .map(({ name }) => `${BENCH}/${name}: expected one of the rooms ${ROOMS.flat().join(', ')}, or cli.ts`)
}

/** @param {import('dependency-cruiser').IReporterOutput} result */
function violations({ output }) {
  if (typeof output === 'string') return [output]
  return output.summary.violations.map(({ rule, from, to, cycle, via }) => {
    const way = (cycle ?? via ?? [{ name: to }]).map(({ name }) => name).join(' → ')
    return `${from} → ${way}: ${rule.name}`
  })
}
