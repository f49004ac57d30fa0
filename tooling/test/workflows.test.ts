// The workflows as GitHub's own parser reads them, and that they do what a person's `npm test` does.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { NODES } from '../other-node.mjs'
import { root } from '../setup.mjs'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const folder = '.github/workflows'
const names = readdirSync(join(root, folder))
const { scripts } = JSON.parse(read('package.json'))

interface Step {
  readonly run?: string
  readonly with?: Readonly<Record<string, string>>
}

/** What is wrong with a workflow's text: structure, fields, events, expressions. */
async function problemsOf(content: string): Promise<string[]> {
  const { context, value } = parseWorkflow({ name: 'workflow.yml', content }, new NoOperationTraceWriter())
  if (value) await convertWorkflowTemplate(context, value)
  return context.errors.getErrors().map(({ message }) => message)
}

describe.each(names)('%s', (name) => {
  const text = read(`${folder}/${name}`)
  const { jobs } = parse(text) as { jobs: Record<string, { steps: Step[] }> }
  const steps = Object.values(jobs).flatMap((job) => job.steps)

  it('is a workflow', async () => {
    expect(await problemsOf(text)).toEqual([])
  })

  it('pins every action to a commit, and says of which version', () => {
    const used = [...text.matchAll(/\buses: (.*)$/gm)].map(([, action]) => action)
    expect(used.length).toBeGreaterThan(0)
    for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  it('says what it may do, tests by .ci/run, and runs scripts that there are', () => {
    expect(text).toMatch(/^permissions:/m)
    const commands = steps.flatMap(({ run, with: inputs = {} }) =>
      [run, inputs.version, inputs.publish].filter(Boolean),
    )
    expect(commands).toContain('.ci/run')
    for (const command of commands)
      if (command !== '.ci/run') expect(Object.keys(scripts)).toContain(`${command}`.replace(/^npm run /, ''))
  })
})

it('tests on every supported line of Node', () => {
  const { node } = parse(read(`${folder}/ci.yml`)).jobs.test.strategy.matrix
  expect(node).toEqual(NODES.map((version) => Number(version.split('.')[0])))
})

it.each([
  ['an unknown field of a job', 'on: push\njobs:\n  a:\n    runs-on: x\n    step: []\n'],
  ['an unknown event', 'on: pushed\njobs:\n  a:\n    runs-on: x\n    steps: [run: x]\n'],
  ['a context that there is not', `on: push\njobs:\n  a:\n    runs-on: x\n    steps: [run: "\${{ matrx.node }}"]\n`],
])('the parser finds %s', async (_what, text) => {
  expect(await problemsOf(text)).not.toEqual([])
})

it('cites itself in Citation File Format 1.2', () => {
  const citation = parse(read('CITATION.cff'))
  const { version } = JSON.parse(read('packages/core/package.json'))
  expect(citation).toMatchObject({ 'cff-version': '1.2.0', type: 'software', license: 'MIT', version })
  for (const work of [citation, ...citation.references]) {
    expect(work.title).toMatch(/\S/)
    for (const author of work.authors) expect(author.name ?? author['family-names']).toMatch(/\S/)
  }
})
