// A release rehearsed on a copy of the repository that is thrown away: everything but publishing.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { published, root } from '../setup.mjs'

const start = promisify(execFile)
const NOTE = 'Rehearsed: a line for the changelog.'
const { packageManager } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
const packages = published()

let folder: string
let copy: string
const inCopy = (command: string, ...args: string[]) => start(command, args, { cwd: copy })
const read = (path: string) => readFile(join(copy, path), 'utf8')
const manifestOf = async (name: string) => JSON.parse(await read(`packages/${name}/package.json`))

/** Tracked files and new ones, what is built, and the installed packages by links. */
async function copyRepository() {
  const { stdout } = await start('git', ['ls-files', '-coz', '--exclude-standard'], { cwd: root })
  const links = (await readdir(join(root, 'packages'))).map((name) => `packages/${name}/node_modules`)
  const built = packages.map((name) => `packages/${name}/dist`)
  for (const path of [...stdout.split('\0').filter(Boolean), ...built, ...links])
    await cp(join(root, path), join(copy, path), { recursive: true, verbatimSymlinks: true, force: true }).catch(
      // Deleted and not yet committed, or a package without dependencies.
      (error) => expect(error.code).toBe('ENOENT'),
    )
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  const person = ['-c', 'user.name=rehearsal', '-c', 'user.email=rehearsal@localhost']
  await inCopy('git', 'init', '-q', '-b', 'main')
  await inCopy('git', 'add', '-A')
  await inCopy('git', ...person, 'commit', '-qm', 'chore: rehearse')
}

let before: string
let version: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-release-'))
  copy = join(folder, 'copy')
  await copyRepository()
  before = (await manifestOf('core')).version
  await writeFile(join(copy, '.changeset/rehearsal.md'), `---\n'@alibi/alibi': minor\n---\n\n${NOTE}\n`)
  await inCopy(process.execPath, 'tooling/release.mjs', 'version')
  version = (await manifestOf('core')).version
}, 120_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

it('gives all packages one version, beyond the last', async () => {
  const parts = (text: string) => text.split('.').map(Number)
  const [major = 0, minor = 0] = parts(before)
  expect([`${major}.${minor + 1}.0`, `${major + 1}.0.0`]).toContain(version)
  for (const name of packages) expect(await manifestOf(name)).toMatchObject({ version })
  expect(await read('CITATION.cff')).toMatch(new RegExp(`^version: ${version}$`, 'm'))
})

it('uses the changesets up, each for a line in the changelogs', async () => {
  expect((await readdir(join(copy, '.changeset'))).sort()).toEqual(['config.json'])
  for (const name of packages) expect(await read(`packages/${name}/CHANGELOG.md`)).toContain(`\n## ${version}\n`)
  const changelog = await read('packages/alibi/CHANGELOG.md')
  expect(changelog.slice(changelog.indexOf(`## ${version}`))).toMatch(new RegExp(`### Minor Changes\n[^#]*${NOTE}`))
  expect(await read('packages/rotary/CHANGELOG.md')).not.toContain(NOTE)
})

it('leaves files that lint', async () => {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const paths = packages.map((name) => `packages/${name}/package.json`)
  await inCopy(process.execPath, biome, 'check', ...paths).catch((error) => expect.fail(error.stderr))
})

describe('tarballs', () => {
  let tarballs: string[]
  const list = async (tarball: string) =>
    (await start('tar', ['-tzf', tarball])).stdout
      .trim()
      .split('\n')
      .map((path) => path.replace(/^package\//, ''))
  const packed = async (tarball: string) =>
    JSON.parse((await start('tar', ['-xzOf', tarball, 'package/package.json'])).stdout)

  beforeAll(async () => {
    const to = join(folder, 'tarballs')
    const filters = packages.flatMap((name) => ['--filter', `./packages/${name}`])
    await inCopy('npx', '--yes', packageManager, ...filters, '-r', 'pack', '--pack-destination', to)
    tarballs = (await readdir(to)).sort().map((name) => join(to, name))
  }, 120_000)

  it('are one a package, named by its version', () => {
    expect(tarballs.map((path) => path.split('/').at(-1))).toEqual(
      packages.map((name) => `alibi-${name}-${version}.tgz`),
    )
  })

  it('depend on each other by the new version, and on nothing of the workspace', async () => {
    let links = 0
    for (const tarball of tarballs) {
      const manifest = await packed(tarball)
      expect(manifest).toMatchObject({ version, publishConfig: { access: 'public', provenance: true } })
      const { dependencies = {}, peerDependencies = {}, optionalDependencies = {} } = manifest
      for (const [name, range] of Object.entries<string>({ ...dependencies, ...peerDependencies })) {
        if (name.startsWith('@alibi/')) expect(`${name} ${range}`, manifest.name).toBe(`${name} ^${version}`)
        links += Number(name.startsWith('@alibi/'))
      }
      const ranges = Object.values({ ...dependencies, ...peerDependencies, ...optionalDependencies })
      expect(ranges.filter((range) => /^(?:workspace|catalog|link|file):/.test(`${range}`))).toEqual([])
    }
    expect(links).toBeGreaterThanOrEqual(packages.length - 1)
  })

  it('hold what is imported, its sources, README and license, and nothing of development', async () => {
    for (const tarball of tarballs) {
      const [files, manifest] = [await list(tarball), await packed(tarball)]
      const entries = Object.values<string | Record<string, string>>(manifest.exports)
      const targets = entries.flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)))
      for (const target of [...targets, ...Object.values<string>(manifest.bin ?? {})])
        expect(files, manifest.name).toContain(target.replace(/^\.\//, ''))
      expect(files, manifest.name).toEqual(expect.arrayContaining(['README.md', 'LICENSE']))
      const roots = new Set(files.map((path) => path.split('/')[0]))
      for (const name of roots)
        expect([...manifest.files, 'package.json', 'CHANGELOG.md'], manifest.name).toContain(name)
      expect(files.filter((path) => /^test\/|node_modules|\.tsbuildinfo$|(?:^|\/)\.(?!gitignore)/.test(path))).toEqual(
        [],
      )
    }
  })
})
