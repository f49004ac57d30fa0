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

/** nvidia-smi comes with the driver; WSL has it outside PATH. */
const PROGRAMS = ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi']
const QUERY = [
  '--query-gpu=driver_version,index,compute_cap,memory.total,memory.used,name',
  '--format=csv,noheader,nounits',
]
/** There while the driver's kernel module is loaded. */
const MODULE = '/proc/driver/nvidia/version'

/**
 * NVIDIA's driver and GPUs, as nvidia-smi lists them.
 *
 * @param module - the file that a loaded kernel module shows
 * @returns undefined where there is no driver
 * @throws Error, one line, for a driver that does not answer
 */
export function findDriver(module: string = MODULE): Driver | undefined {
  for (const program of PROGRAMS) {
    const { error, status, stdout, stderr } = spawnSync(program, QUERY, { encoding: 'utf8', timeout: 20_000 })
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') continue
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
