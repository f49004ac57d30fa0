// What is in deploy/ for other machines, as far as it can be known here: fields, words of commands, paths and versions.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { pnpmVersion, root } from '../../../tooling/setup.mjs'
import { sweepCommand } from '../src/commands/sweep.js'
import { workerCommand } from '../src/commands/worker.js'

const pathOf = (name: string) => fileURLToPath(new URL(`../deploy/${name}`, import.meta.url))
const read = (name: string) => readFileSync(pathOf(name), 'utf8')

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata?: ObjectMeta
}

/** What Kubernetes' API, as types, says against manifests: unknown fields, missing ones, values of another kind. */
function problemsOf(manifests: readonly Manifest[]): string[] {
  const lines = manifests.map(({ apiVersion, kind, ...rest }, i) => {
    const module = apiVersion.includes('/') ? apiVersion : `core/${apiVersion}`
    const checked = JSON.stringify({ apiVersion, kind, ...rest })
    return `export const _${i}: import('kubernetes-types/${module}').${kind} = ${checked}`
  })
  // Beside this file, which finds the package.
  const name = fileURLToPath(new URL('manifests.ts', import.meta.url))
  const options: ts.CompilerOptions = {
    ...{
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      types: [],
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts'],
    },
    ...{ module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (path, target) =>
    path === name ? ts.createSourceFile(path, lines.join('\n'), target) : getSourceFile(path, target)
  const program = ts.createProgram([name], options, host)
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

describe('kubernetes.yaml', () => {
  const manifests = parseAllDocuments(read('kubernetes.yaml')).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS()
  })

  it('is as Kubernetes’ API has it', () => {
    expect(manifests.map(({ kind }) => kind)).toEqual([
      ...['Service', 'StatefulSet', 'Deployment', 'PersistentVolumeClaim', 'Job'],
    ])
    expect(problemsOf(manifests)).toEqual([])
    const [service] = manifests
    const specs = [{ selectors: {} }, { ports: [{ port: 'one' }] }]
    expect(problemsOf(specs.map((spec) => ({ ...service, spec })))).toEqual([
      expect.stringContaining("selectors\"' does not exist in type 'ServiceSpec'"),
      "Type 'string' is not assignable to type 'number'.",
    ])
  })

  it('has commands of the bench', () => {
    const containers = manifests.flatMap(({ spec }) => spec.template?.spec.containers ?? [])
    const ours = containers.filter(({ image }) => image === 'alibi-bench')
    expect(ours.map(({ args }) => args[0])).toEqual(['worker', 'sweep'])
    for (const { args } of ours) expectKnown(args)
  })
})

/** Every option of a command is one that it has. */
function expectKnown([verb, ...words]: readonly string[]): void {
  const commands: Readonly<Record<string, () => Command>> = { worker: workerCommand, sweep: sweepCommand }
  expect(commands[verb!]!().parseOptions([...words]).unknown).toEqual([])
}

it('workers.slurm is a script of bash that starts a worker', () => {
  expect(spawnSync('bash', ['-n', pathOf('workers.slurm')], { encoding: 'utf8' })).toMatchObject({
    status: 0,
    stderr: '',
  })
  const [, words = ''] = /bench\.js (.*)$/m.exec(read('workers.slurm')) ?? []
  expectKnown(words.split(' '))
})

it('the Containerfile has the versions and the paths of this checkout', () => {
  const text = read('Containerfile')
  const versions = [...text.matchAll(/^FROM docker\.io\/library\/node:(\d+)-/gm)].map(([, version]) => version)
  expect(versions).toEqual(Array(2).fill(readFileSync(`${root}/.node-version`, 'utf8').trim()))
  expect([...text.matchAll(/pnpm@[\d.]+/g)].map(([version]) => version)).toEqual([pnpmVersion, pnpmVersion])
  const paths = [...text.matchAll(/(?:packages|apps)\/[\w-]+\/bin\/[\w-]+\.js/g)].map(([path]) => path)
  expect(paths).toHaveLength(2)
  for (const path of paths) expect(existsSync(`${root}/${path}`), path).toBe(true)
})
