import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A package that TensorFlow's extra and-cuda asks for, e.g. nvidia-cudnn-cu12 `<10.0,>=9.3.0.75`. */
const REQUIREMENT = /^Requires-Dist: (nvidia-[\w-]+?)\s*([<>=!][^;]*);.*and-cuda/gm

/**
 * Compares NVIDIA's packages with what TensorFlow's metadata asks for.
 *
 * @param folder - with the `.dist-info` folders of both; nothing is compared where they are not there
 * @returns a line for each that is missing or of another version
 */
export function versionProblems(folder: string): readonly string[] {
  const installed = new Map(
    readdirSync(folder).flatMap((name) => {
      const [, distribution, version] = /^(.*)-([\d.]+)\.dist-info$/.exec(name) ?? []
      return distribution && version ? [[distribution.replaceAll('_', '-').toLowerCase(), version] as const] : []
    }),
  )
  const tensorflow = readdirSync(folder).find((name) => /^tensorflow-[\d.]+\.dist-info$/.test(name))
  if (!tensorflow) return []
  const metadata = readFileSync(join(folder, tensorflow, 'METADATA'), 'utf8')
  return [...metadata.matchAll(REQUIREMENT)].flatMap(([, name = '', wanted = '']) => {
    const version = installed.get(name)
    if (version !== undefined && wanted.split(',').every((condition) => holds(version, condition.trim()))) return []
    return [`expected ${name} ${wanted.trim()}, which TensorFlow asks for, got ${version ?? 'none'}`]
  })
}

function holds(version: string, condition: string): boolean {
  const [, operator, bound = ''] = /^(<=|>=|==|!=|<|>)\s*([\d.]+)$/.exec(condition) ?? []
  const order = compare(version, bound)
  if (operator === '<=') return order <= 0
  if (operator === '>=') return order >= 0
  if (operator === '<') return order < 0
  if (operator === '>') return order > 0
  return operator === '!=' ? order !== 0 : order === 0
}

/** Below, equal or above, number by number. */
function compare(a: string, b: string): number {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number))
  for (let i = 0; i < Math.max(x!.length, y!.length); i++) {
    const difference = (x![i] ?? 0) - (y![i] ?? 0)
    if (difference) return difference
  }
  return 0
}
