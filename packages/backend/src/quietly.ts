import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const require = createRequire(import.meta.url)

/** TensorFlow says that oneDNN is on whatever its log level is, and that it says so early. */
const ANNOUNCEMENT = /oneDNN custom operations are on|All log messages before absl::InitializeLog/

/**
 * Loads a library without its announcement on stderr; anything else that it writes there still arrives.
 *
 * @param helper - path of the compiled `native/stderr.c`; without it the announcement is seen
 */
export function quietly<T>(helper: string, load: () => T): T {
  if (!existsSync(helper)) return load()
  const stderr = require(helper) as { divert(path: string): void; restore(): void }
  const written = join(tmpdir(), `alibi-stderr-${process.pid}-${Date.now()}`)
  stderr.divert(written)
  try {
    return load()
  } finally {
    stderr.restore()
    if (existsSync(written)) {
      const lines = readFileSync(written, 'utf8').split(/(?<=\n)/)
      rmSync(written)
      process.stderr.write(lines.filter((line) => !ANNOUNCEMENT.test(line)).join(''))
    }
  }
}
