// The packages as others get them: packed, installed by npm outside the workspace, compiled, bundled and run there.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, NO_CHROMIUM } from '../chromium.mjs'
import { NO_OTHER_NODE, NODES, nodeOf } from '../other-node.mjs'
import { root } from '../setup.mjs'
import { STRATEGIES } from '../strategy-packages.mjs'

const PACKAGES = ['core', ...STRATEGIES].sort()
const VITE = '7.3.8'
const TYPESCRIPTS = ['5.9.3', '6.0.3', '7.0.2']
const RESOLUTIONS = [
  { moduleResolution: 'NodeNext', module: 'NodeNext', lib: ['ES2022'], files: ['main.ts'] },
  { moduleResolution: 'Bundler', module: 'ESNext', lib: ['ES2022', 'DOM'], files: ['main.ts', 'page.ts'] },
]
/** Of the last query among four, in the first head: slope 1/2. */
const ROW = [-1.5, -1, -0.5, 0]

// Its own npm would otherwise read this workspace's settings, and vitest's conditions would reach its programs.
const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env
const isOwn = (version: string) => version.split('.')[0] === process.versions.node.split('.')[0]
const start = promisify(execFile)
const tsc = (version: string) => join('node_modules', `typescript-${version}`, 'bin/tsc')

let project: string
/** Those to be had here. */
const nodes = new Map<string, string>()
const inProject = (command: string, ...args: string[]) => start(command, args, { cwd: project, env })
/** What a module of the project exports as `report`. */
const reportOf = async (node: string, file: string) => {
  const code = `import('./${file}').then(({ report }) => console.log(JSON.stringify(report)))`
  return JSON.parse((await inProject(node, '--input-type=module', '-e', code)).stdout)
}

beforeAll(async () => {
  for (const version of NODES) if (isOwn(version) || !NO_OTHER_NODE) nodes.set(version, await nodeOf(version))
  project = await mkdtemp(join(tmpdir(), 'alibi-consumer-'))
  await cp(join(root, 'tooling/consumer'), project, { recursive: true })
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const filters = PACKAGES.flatMap((name) => ['--filter', `@alibi/${name}`])
  await start('npx', ['--yes', packageManager, ...filters, '-r', 'pack', '--pack-destination', project], { cwd: root })
  const tarballs = (await readdir(project)).filter((name) => name.endsWith('.tgz')).map((name) => `./${name}`)
  expect(tarballs).toHaveLength(PACKAGES.length)
  const compilers = TYPESCRIPTS.map((version) => `typescript-${version}@npm:typescript@${version}`)
  const quietly = ['--no-audit', '--no-fund', '--loglevel=error']
  await inProject('npm', 'install', ...quietly, ...tarballs, ...compilers, `vite@${VITE}`)
}, 300_000)
afterAll(() => rm(project, { recursive: true, force: true }))

it('installs nothing but the packages, with sources where source maps look for them', async () => {
  const scope = join(project, 'node_modules/@alibi')
  expect((await readdir(scope)).sort()).toEqual(PACKAGES)
  const files = (await readdir(scope, { recursive: true })).filter((name) => !name.includes('node_modules'))
  const maps = files.filter((name) => name.endsWith('.map'))
  const scripts = files.filter((name) => /\.(?:js|d\.ts)$/.test(name))
  expect(maps.sort()).toEqual(scripts.map((name) => `${name}.map`).sort())
  for (const map of maps)
    for (const source of JSON.parse(await readFile(join(scope, map), 'utf8')).sources)
      expect(files, map).toContain(join(dirname(map), source))
})

describe.each(RESOLUTIONS)('types, resolved as $moduleResolution', ({ files, ...resolution }) => {
  it.each(TYPESCRIPTS)('TypeScript %s compiles a program, which runs', async (version) => {
    const name = `${resolution.moduleResolution}-${version}`
    const compilerOptions = { ...resolution, target: 'ES2022', types: [], strict: true }
    const config = { compilerOptions: { ...compilerOptions, rootDir: '.', outDir: name }, files }
    await writeFile(join(project, `${name}.json`), JSON.stringify(config))
    await inProject(process.execPath, tsc(version), '-p', `${name}.json`).catch((error) => {
      expect.fail(error.stdout || error.message)
    })
    for (const node of nodes.values()) {
      const { slope, rows, turned, cases } = await reportOf(node, `${name}/main.js`)
      expect({ slope, row: rows[0], turned }).toEqual({ slope: 0.5, row: ROW, turned: [2, 8] })
      // On the diagonal: nothing, but for what FIRE and T5 learn.
      expect(rows.map((row: number[]) => row[3])).toEqual([0, expect.any(Number), 0, 0, expect.any(Number), 0])
      expect(cases).toBeGreaterThan(5)
    }
  })
})

describe.each(NODES)('Node %s', (version) => {
  it.for(['plain.mjs', 'plain.cjs'])('runs %s', async (file, { skip }) => {
    const node = nodes.get(version)
    if (!node) return skip(NO_OTHER_NODE)
    expect(Object.values(await reportOf(node, file))).toEqual(ROW)
  })
})

describe('Vite', () => {
  let bundle: string
  beforeAll(async () => {
    await writeFile(join(project, 'index.html'), '<script type="module" src="./page.ts"></script>')
    await inProject(process.execPath, 'node_modules/vite/bin/vite.js', 'build', '--logLevel=warn')
    const assets = join(project, 'dist/assets')
    const [only, ...others] = await readdir(assets)
    expect(others).toEqual([])
    bundle = await readFile(join(assets, only!), 'utf8')
  })

  it('bundles what a page uses, and no more', () => {
    // Of ALiBi's 2 kB and core's 5 kB: the directions, and the reference, but no conformance and no other strategy.
    expect(bundle).toContain('nonsymmetric')
    expect(bundle).not.toMatch(/conformance|seededRandom|numBuckets|sinusoidal/)
  })

  it('makes a page that runs in a browser', async ({ skip }) => {
    const executablePath = findChromium()
    if (!executablePath) return skip(NO_CHROMIUM)
    const browser = await chromium.launch({ executablePath })
    try {
      const page = await browser.newPage()
      await page.addScriptTag({ content: bundle, type: 'module' })
      await page.waitForFunction('document.body.textContent', undefined, { timeout: 10_000 })
      expect(await page.textContent('body')).toBe(ROW.join(' '))
    } finally {
      await browser.close()
    }
  })
})
