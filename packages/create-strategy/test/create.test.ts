import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStrategy } from '../src/index.js'
import { devDependencies } from '../src/manifest.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const cli = join(root, 'packages/create-strategy/bin/create-strategy.js')

const start = (cwd: string, file: string, ...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    // Not this test's own vitest: its environment would find its way into the one that is started.
    const { VITEST: _, VITEST_POOL_ID: __, VITEST_WORKER_ID: ___, ...env } = process.env
    execFile(process.execPath, [file, ...args], { cwd, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })
const readJson = async (path: string) => JSON.parse(await readFile(path, 'utf8'))
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-create-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a package of its own', () => {
  it('is green before a line is changed: types, tests, build', async () => {
    const made = await start(folder, cli, 'log-bias')
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('cd log-bias') })
    const home = join(folder, 'log-bias')
    expect((await readdir(home, { recursive: true })).sort()).toEqual(
      [
        '.gitignore',
        'README.md',
        'package.json',
        'src',
        'src/index.ts',
        'src/log-bias.ts',
        'test',
        'test/log-bias.test.ts',
        'tsconfig.build.json',
        'tsconfig.json',
      ].sort(),
    )
    // What `npm install` would bring, from this workspace.
    await mkdir(join(home, 'node_modules/@alibi'), { recursive: true })
    await symlink(join(root, 'packages/core'), join(home, 'node_modules/@alibi/core'))
    for (const name of Object.keys(devDependencies))
      await symlink(join(root, 'node_modules', name), join(home, 'node_modules', name))
    expect(await start(home, tsc)).toMatchObject({ code: 0, stdout: '' })
    const tested = await start(home, vitest, 'run')
    expect(tested.stdout + tested.stderr).toMatch(/Tests .*\d+ passed/)
    expect(tested.code).toBe(0)
    expect(await start(home, tsc, '-p', 'tsconfig.build.json')).toMatchObject({ code: 0 })
    expect((await import(join(home, 'dist/index.js'))).logBias({ numHeads: 2 })).toMatchObject({ name: 'log-bias' })
  })

  it('is developed with what this workspace is', async () => {
    const catalog = await readFile(join(root, 'pnpm-workspace.yaml'), 'utf8')
    for (const [name, version] of Object.entries(devDependencies))
      expect(catalog).toContain(`\n  ${name}: ${version.slice(1)}\n`)
  })
})

describe('a package in the workspace', () => {
  it('has the fields, the types and the style of its neighbours', async () => {
    // Another workspace that looks like this one, in which a package may appear.
    const workspace = join(folder, 'workspace')
    await mkdir(join(workspace, 'packages/core'), { recursive: true })
    for (const file of ['pnpm-workspace.yaml', 'tsconfig.base.json', 'LICENSE', 'biome.json', '.gitignore'])
      await cp(join(root, file), join(workspace, file))
    await writeFile(join(workspace, 'packages/core/package.json'), '{"name":"@alibi/core"}')
    const from = join(workspace, 'packages/core')
    const { folder: home } = await createStrategy('log-bias', from)
    expect(home).toBe(join(workspace, 'packages/log-bias'))

    const neighbour = await readJson(join(root, 'packages/t5-bias/package.json'))
    const { name, description, version } = await readJson(join(home, 'package.json'))
    expect(await readJson(join(home, 'package.json'))).toEqual({ ...neighbour, name, description, version })
    expect(name).toBe('@alibi/log-bias')
    expect(await readdir(home)).toEqual(
      expect.arrayContaining(await readdir(join(root, 'packages/t5-bias/')).then(sources)),
    )

    await symlink(join(root, 'packages/t5-bias/node_modules'), join(home, 'node_modules'))
    await symlink(join(root, 'node_modules'), join(workspace, 'node_modules'))
    expect(await start(home, tsc, '-p', 'tsconfig.json')).toMatchObject({ code: 0, stdout: '' })
    const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
    expect(
      await start(
        workspace,
        biome,
        'check',
        '--vcs-enabled=false',
        'packages/log-bias/src',
        'packages/log-bias/test',
        'packages/log-bias/package.json',
      ),
    ).toMatchObject({ code: 0 })
  })
})

/** Without what building and installing leave. */
const sources = (names: string[]) => names.filter((name) => !['dist', 'node_modules', '.turbo'].includes(name))

describe('what cannot be made is refused in one line', () => {
  it.each([
    [[], 'expected one name, got none'],
    [['a', 'b'], 'expected one name, got a b'],
    [['LogBias'], 'lower-case letters, digits and single hyphens, got LogBias; e.g. log-bias'],
    [['../up'], 'got ../up'],
    [['class'], 'expected a name that can be a function’s, got class'],
    [['a-name-that-goes-on-and-on'], 'at most 24'],
    [['taken'], 'expected a new folder, got'],
    [['--colour'], "Unknown option '--colour'"],
  ])('%j', async (args, message) => {
    await mkdir(join(folder, 'taken'), { recursive: true })
    const before = await readdir(folder)
    const { code, stderr } = await start(folder, cli, ...args)
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(code).toBe(1)
    expect(await readdir(folder)).toEqual(before)
  })

  it('says how it is used', async () => {
    expect(await start(folder, cli, '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Usage: npm create/),
    })
  })
})
