// Rules that keep the packages composable: who may import what, and the same fields in every package.json.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { roomProblems } from './rooms.mjs'
import { root } from './setup.mjs'
import { STRATEGIES } from './strategy-packages.mjs'

/** Who may compute with TensorFlow.js. */
const WITH_TENSORFLOW = ['machine', 'backend', 'transformer']
/** Entries that browsers import: no module of Node is below them. */
const FOR_BROWSERS = [
  ...['core', ...STRATEGIES, 'transformer', 'charts', 'results'].map((folder) => `packages/${folder}/src/index.ts`),
  'packages/huggingface/src/families.ts',
  ...['browser', 'webgpu/register'].map((entry) => `packages/backend/src/${entry}.ts`),
]
const FILES = ['README.md', 'package.json', 'tsconfig.json', 'src/index.ts', 'test']

/** @type {string[]} */
const problems = []
const expect = (/** @type {boolean} */ ok, /** @type {string} */ problem) => ok || problems.push(problem)
const same = (/** @type {unknown} */ a, /** @type {unknown} */ b) => JSON.stringify(a) === JSON.stringify(b)

const folders = readdirSync(join(root, 'packages')).sort()
for (const folder of folders) {
  const at = join(root, 'packages', folder)
  const manifest = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'))
  for (const file of [...FILES, ...(manifest.private ? [] : ['LICENSE'])])
    expect(existsSync(join(at, file)), `${folder}: expected ${file}`)
  checkManifest(folder, manifest)

  const allowed = new Set([
    '@alibi/core',
    ...Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }),
  ])
  for (const [file, name] of importsBelow(join(at, 'src'))) {
    if (name.startsWith('.') || name.startsWith('node:')) continue
    const packageName = name.split('/', name.startsWith('@') ? 2 : 1).join('/')
    if (STRATEGIES.includes(folder))
      expect(name === '@alibi/core', `${file}: strategies import core alone, not ${name}`)
    else if (folder === 'core') expect(false, `${file}: core imports nothing, not ${name}`)
    else expect(allowed.has(packageName), `${file}: ${packageName} is not among the dependencies`)
    if (packageName.startsWith('@tensorflow/'))
      expect(WITH_TENSORFLOW.includes(folder), `${file}: TensorFlow.js belongs in ${WITH_TENSORFLOW.join(' and ')}`)
  }
}

/**
 * @param {string} folder
 * @param {Record<string, any>} manifest
 */
function checkManifest(folder, manifest) {
  const want = (/** @type {string} */ field, /** @type {unknown} */ value) =>
    expect(same(manifest[field], value), `${folder}: expected ${field} ${JSON.stringify(value)}`)
  want('name', `@alibi/${folder}`)
  want('license', 'MIT')
  want('type', 'module')
  want('engines', { node: '>=20.19' })
  for (const field of ['version', 'description']) expect(manifest[field]?.length > 0, `${folder}: expected a ${field}`)
  if (!manifest.private) {
    want('sideEffects', false)
    want('publishConfig', { access: 'public', provenance: true })
    const has = (/** @type {string} */ name) => (existsSync(join(root, 'packages', folder, name)) ? [name] : [])
    want('files', [...has('bin'), 'dist', ...has('native'), 'src', ...has('template'), 'README.md', 'LICENSE'])
    expect(manifest.keywords?.length > 0, `${folder}: expected keywords`)
  }
  for (const [name, entry] of Object.entries(manifest.exports))
    if (typeof entry === 'object')
      expect(
        same(Object.keys(entry), ['types', '@alibi/source', 'default']),
        `${folder}: expected export ${name} as types, @alibi/source, default`,
      )
  if (STRATEGIES.includes(folder))
    expect(same(manifest.dependencies, { '@alibi/core': 'workspace:^' }), `${folder}: expected core as only dependency`)
  if (folder === 'transformer')
    for (const strategy of STRATEGIES)
      expect(
        !manifest.dependencies[`@alibi/${strategy}`],
        `transformer: it takes any strategy and depends on none, not ${strategy}`,
      )
  if (folder === 'core') expect(!manifest.dependencies, 'core: expected no dependencies')
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
    expect(version === 'catalog:' || version === 'workspace:^', `${folder}: expected ${name} from the catalog`)
}

for (const entry of FOR_BROWSERS) checkForNode(join(root, entry), new Set())

/**
 * @param {string} path - of a source file
 * @param {Set<string>} seen - files that were looked at
 */
function checkForNode(path, seen) {
  if (seen.has(path)) return
  seen.add(path)
  for (const name of importsOf(path, false)) {
    expect(!name.startsWith('node:'), `${path.slice(root.length)}: browsers import it, so not ${name}`)
    if (name.startsWith('.')) checkForNode(join(dirname(path), name.replace(/\.js$/, '.ts')), seen)
  }
}

/**
 * @param {string} folder
 * @returns {Generator<[file: string, imported: string]>}
 */
function* importsBelow(folder) {
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.ts')) continue
    for (const name of importsOf(join(folder, entry))) yield [join(folder, entry).slice(root.length), name]
  }
}

/**
 * @param {string} path - of a source file
 * @param {boolean} [withTypes] - those that are of types alone too
 */
function importsOf(path, withTypes = true) {
  const text = readFileSync(path, 'utf8')
  const looked = withTypes ? text : text.replaceAll(/^(?:im|ex)port type \{[^}]*\} from '[^']*'/gm, '')
  const imports = looked.matchAll(/(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*'([^']+)'/g)
  return [...imports].map(([, name = '']) => name)
}

problems.push(...(await roomProblems()))
for (const problem of problems) console.error(problem)
if (problems.length) process.exitCode = 1
else console.log(`${folders.length} packages: imports, fields and files are as they should be`)
