import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Backend } from '@alibi/backend'
import { versionsOf } from '@alibi/machine'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { dataFolder } from '../data/download.js'
import { makeFolder } from '../files/paths.js'
import type { SelfTest } from './self-test.js'

/** What later versions and people add stays. */
const schema = z.array(z.looseObject({ key: z.string() }))

/** A self-test as it is kept, with what it was of. */
export type KeptSelfTest = z.infer<typeof schema>[number]

const path = () => join(dirname(dataFolder()), 'self-tests.json')

/** Self-tests of this machine's GPUs, the newest last; none where the file is not there or not one of ours. */
export async function keptSelfTests(): Promise<readonly KeptSelfTest[]> {
  const text = await readFile(path(), 'utf8').catch(() => '[]')
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return []
  }
}

/**
 * Tests a GPU the first time that it computes here, and keeps what came out for `doctor --json`. A processor is not tested, and
 * never kept as a GPU.
 *
 * @param backend - the one that is selected
 * @param log - is given lines for a person
 */
export async function selfTestOnce(
  backend: Backend,
  log: (line: string) => void,
  test: (backend: Backend) => Promise<SelfTest> = loadAndRun,
): Promise<void> {
  if (!backend.isGpu) return
  const key = JSON.stringify([backend.name, backend.device, versionsOf(backend)])
  const kept = await keptSelfTests()
  if (kept.some((each) => each.key === key)) return
  log(`testing ${backend.device}, once; \`pnpm bench doctor --json\` has the results`)
  const result = await test(backend).catch((error: Error) => ({ device: backend.device, error: error.message }))
  for (const line of failures(result)) log(line)
  try {
    await makeFolder('doctor', dirname(path()), 'set XDG_CACHE_HOME to another')
    await writeFileAtomic(path(), `${JSON.stringify([...kept, { key, ...result }], null, 2)}\n`)
  } catch (error) {
    // Whoever trains wants the model, not this.
    log(`the self-test is not kept: ${(error as Error).message}`)
  }
}

/** Loaded where there is a GPU alone. */
const loadAndRun = async (backend: Backend) => (await import('./self-test.js')).runSelfTest(backend)

const REPORT = 'please report it with what `pnpm bench doctor --json` prints'

/** A thousand times what fp32 has. */
const LARGEST_ERROR = 1e-3

function failures(result: SelfTest | { readonly error: string }): string[] {
  if ('error' in result) return [`the self-test failed: ${result.error}; ${REPORT}`]
  const { cases, failed } = result.kernels
  const [first] = failed
  const lines: string[] = []
  if (first)
    lines.push(
      `${failed.length} of ${cases} cases of attention are not those of float64 (${first.name}: ${first.message}); ${REPORT}`,
    )
  const error = result.trainingRelativeError
  // One that is no number, too.
  if (!(error <= LARGEST_ERROR))
    lines.push(
      `expected losses in training within ${LARGEST_ERROR} of those of plain JavaScript, got ${error.toPrecision(2)}; ${REPORT}`,
    )
  return lines
}
