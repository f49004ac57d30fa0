import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'

/** What XLA needs to compile for a GPU, or what it lacks. */
export type Toolkit = { readonly folder: string } | { readonly problem: string }

const LIBDEVICE = 'nvvm/libdevice/libdevice.10.bc'
const PTXAS = 'bin/ptxas'
/** Where a user says which toolkit XLA takes. */
const FLAG = /--xla_gpu_cuda_data_dir=("[^"]*"|'[^']*'|\S+)/

/**
 * The first folder with both ptxas, executable, and libdevice; XLA stops with an error in the first step without them. By itself
 * it looks beside Python's packages (its tsl/platform/default/cuda_root_path.cc), where Node's are not.
 *
 * @param folders - candidates; the one that XLA_FLAGS names is looked at alone
 * @param flags - XLA_FLAGS
 */
export function findToolkit(folders: readonly string[], flags = process.env.XLA_FLAGS ?? ''): Toolkit {
  const named = FLAG.exec(flags)?.[1]?.replaceAll(/["']/g, '')
  const candidates = named === undefined ? folders : [named]
  const folder = candidates.find((each) => !problemOf(each))
  return folder === undefined ? { problem: problemOf(candidates[0]!)! } : { folder }
}

function problemOf(folder: string): string | undefined {
  const [libdevice, ptxas] = [join(folder, LIBDEVICE), join(folder, PTXAS)]
  for (const path of [libdevice, ptxas]) if (!existsSync(path)) return `${path} is not there`
  try {
    accessSync(ptxas, constants.X_OK)
    return undefined
  } catch {
    return `${ptxas} is not executable; run \`chmod +x ${ptxas}\``
  }
}

/** XLA_FLAGS with the toolkit's folder, unless they name one. */
export const withToolkit = (folder: string, flags = process.env.XLA_FLAGS ?? ''): string =>
  FLAG.test(flags) ? flags : `${flags} --xla_gpu_cuda_data_dir="${folder}"`.trim()
