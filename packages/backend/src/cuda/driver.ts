import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** One of NVIDIA's GPUs, as its driver reports it. */
export interface Gpu {
  /** Its place among all, in the order of the PCI bus. */
  readonly index: number
  /** Its name, e.g. `NVIDIA H100 80GB HBM3`. */
  readonly name: string
  /** Its compute capability, e.g. `9.0`. */
  readonly capability: string
  /** Its memory in MiB. */
  readonly memoryMiB: number
  /** How much of it is in use, by all processes, in MiB. */
  readonly usedMiB: number
}

/** NVIDIA's driver. */
export interface Driver {
  /** e.g. `550.54.15`. */
  readonly version: string
  /** The GPUs it drives. */
  readonly gpus: readonly Gpu[]
}

/** Where the driver shows itself. */
interface Places {
  /** nvidia-smi, the first that is there. */
  readonly programs: readonly string[]
  /** The file that a loaded kernel module shows. */
  readonly module: string
  /** How long nvidia-smi may take. */
  readonly seconds: number
}

export const PLACES: Places = {
  // It comes with the driver; WSL has it outside PATH.
  programs: ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'],
  module: '/proc/driver/nvidia/version',
  seconds: 20,
}
const QUERY = [
  '--query-gpu=driver_version,index,compute_cap,memory.total,memory.used,name',
  '--format=csv,noheader,nounits',
]

/**
 * NVIDIA's driver and GPUs, as nvidia-smi lists them.
 *
 * @returns undefined where there is no driver
 * @throws Error, one line, for a driver that does not answer
 */
export const findDriver = (): Driver | undefined => findDriverIn(PLACES)

export function findDriverIn({ programs, module, seconds }: Places): Driver | undefined {
  for (const program of programs) {
    const { error, status, stdout, stderr } = spawnSync(program, QUERY, { encoding: 'utf8', timeout: seconds * 1000 })
    const code = (error as NodeJS.ErrnoException | undefined)?.code
    if (code === 'ENOENT') continue
    if (code === 'ETIMEDOUT')
      throw new Error(`NVIDIA's driver does not answer: ${program} ran for ${seconds} s; see whether it ends by itself`)
    const lines = `${stdout}\n${stderr}`
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean)
    if (status !== 0) throw new Error(`NVIDIA's driver does not answer: ${lines[0] ?? error?.message ?? 'no message'}`)
    return parse(lines)
  }
  if (existsSync(module))
    throw new Error("NVIDIA's driver is loaded, but there is no nvidia-smi; install the driver's utilities")
  return undefined
}

function parse(lines: readonly string[]): Driver {
  const rows = lines.map((line) => line.split(',').map((field) => field.trim()))
  const gpus = rows.flatMap(([, index, capability = '', memory, used, ...name]): Gpu[] =>
    /^\d+\.\d+$/.test(capability)
      ? [{ index: Number(index), name: name.join(', '), capability, memoryMiB: Number(memory), usedMiB: Number(used) }]
      : [],
  )
  const [version] = rows[0] ?? []
  if (!version || !gpus.length)
    throw new Error(`NVIDIA's driver lists no GPU: nvidia-smi printed ${lines[0] ? `"${lines[0]}"` : 'nothing'}`)
  return { version, gpus }
}
