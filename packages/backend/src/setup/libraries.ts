import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Finished, lastLine, runCommand } from './command.js'

/** The newest TensorFlow that the binding was compiled and tested with. */
const TENSORFLOW_VERSION = '2.21.0'

/** Files of a TensorFlow build. */
export interface Libraries {
  readonly include: string
  /** Has the C API. */
  readonly main: string
  readonly framework: string
  /** CUDA libraries from pip, where TensorFlow looks for them. */
  readonly nvidia: string | undefined
}

/**
 * TensorFlow in a folder: a pip package (`site-packages` or `site-packages/tensorflow`) or the C library's archive.
 *
 * @returns undefined if it has no headers or no libraries
 */
export function findLibraries(folder: string): Libraries | undefined {
  for (const root of [folder, join(folder, 'tensorflow')]) {
    const find = (...names: string[]) => names.map((name) => resolve(root, name)).find(existsSync)
    const main = find('libtensorflow_cc.so.2', 'lib/libtensorflow_cc.so.2', 'lib/libtensorflow.so.2')
    const framework = find('libtensorflow_framework.so.2', 'lib/libtensorflow_framework.so.2')
    const include = find('include')
    if (main && framework && include && existsSync(join(include, 'tensorflow/c/c_api.h')))
      return { include, main, framework, nvidia: find('../nvidia', 'nvidia') }
  }
  return undefined
}

export interface DownloadOptions {
  /** The CUDA build and NVIDIA's libraries. */
  readonly gpu: boolean
  readonly log: (line: string) => void
}

const GIGABYTE = 1e9
/** What pip fetches, in MB: TensorFlow for either, and what its CUDA build needs. */
const DOWNLOADS = { cpu: 275, cuda: 600, nvidia: 3000 }
/** Disk that must be free for the CUDA build: its wheels and, with them, what they hold; a round bound, not a measurement. */
const CUDA_SPACE = 9
/** What either build takes, in words. */
export const CPU_SIZE = `about ${DOWNLOADS.cpu} MB`
export const CUDA_SIZE = `about ${(DOWNLOADS.cuda + DOWNLOADS.nvidia) / 1000} GB to download; ${CUDA_SPACE} GB of disk must be free`

/**
 * TensorFlow from pip, unpacked into the user's cache: downloaded once for every project, complete or not there.
 *
 * @throws Error, one line with what to do, for no Python, no pip, no network or no space
 */
export async function downloadLibraries({ gpu, log }: DownloadOptions): Promise<Libraries> {
  const folder = join(cacheFolder(), `tensorflow-${TENSORFLOW_VERSION}-${gpu ? 'cuda' : 'cpu'}`)
  const ready = findLibraries(folder)
  if (ready) {
    log('TensorFlow is in the cache')
    return ready
  }
  const python = await findPython()
  const wheels = `${folder}.wheels`
  await mkdir(wheels, { recursive: true })
  await requireSpace(wheels, gpu ? CUDA_SPACE : 1.5)

  const wheel = gpu ? 'tensorflow' : 'tensorflow-cpu'
  log(`downloading ${wheel} ${TENSORFLOW_VERSION} with pip (about ${gpu ? DOWNLOADS.cuda : DOWNLOADS.cpu} MB)`)
  await pipDownload(python, wheels, [`${wheel}==${TENSORFLOW_VERSION}`])
  if (gpu) {
    log(`downloading the CUDA libraries it names (about ${DOWNLOADS.nvidia / 1000} GB)`)
    await pipDownload(python, wheels, await cudaRequirements(python, wheels))
  }

  log('unpacking')
  const partial = `${folder}.partial`
  await rm(partial, { recursive: true, force: true })
  const files = (await readdir(wheels)).filter((name) => name.endsWith('.whl')).map((name) => join(wheels, name))
  const unpacked = await runCommand(python, ['-c', UNPACK, partial, ...files])
  if (unpacked.code !== 0) {
    await rm(partial, { recursive: true, force: true })
    // A wheel that does not unpack is of no use to the next try either.
    await rm(wheels, { recursive: true, force: true })
    throw new Error(`unpacking TensorFlow failed: ${lastLine(unpacked)}; free some space and run this again`)
  }
  await rm(folder, { recursive: true, force: true })
  await rename(partial, folder)
  await rm(wheels, { recursive: true, force: true })
  const libraries = findLibraries(folder)
  if (!libraries) throw new Error(`${wheel} ${TENSORFLOW_VERSION} from pip has no C libraries; use --tensorflow-dir`)
  return libraries
}

/**
 * Libraries, headers and what says which they are, file by file: Python code stays in the wheel. Programs (ptxas) stay
 * executable, which Python's zipfile alone would not see to.
 */
const UNPACK = `
import os, sys, zipfile
for wheel in sys.argv[2:]:
    with zipfile.ZipFile(wheel) as archive:
        for file in archive.infolist():
            name = file.filename
            about = name.endswith('.dist-info/METADATA') or name == 'tensorflow/python/platform/build_info.py'
            if about or name.startswith(('tensorflow/lib', 'tensorflow/include/', 'nvidia/')):
                path = archive.extract(file, sys.argv[1])
                permissions = file.external_attr >> 16 & 0o777
                if permissions and not file.is_dir(): os.chmod(path, permissions | 0o600)
`

/** What the wheel's extra and-cuda asks for, e.g. nvidia-cudnn-cu12. */
const REQUIREMENTS = `
import glob, re, sys, zipfile
[wheel] = glob.glob(sys.argv[1] + '/tensorflow-*.whl')
with zipfile.ZipFile(wheel) as archive:
    [name] = [n for n in archive.namelist() if n.endswith('.dist-info/METADATA')]
    for line in archive.read(name).decode().splitlines():
        match = re.match(r"Requires-Dist: (nvidia-[^;]+);.*and-cuda", line)
        if match: print(match.group(1).replace(' ', ''))
`

async function cudaRequirements(python: string, wheels: string): Promise<string[]> {
  const found = await runCommand(python, ['-c', REQUIREMENTS, wheels])
  if (found.code !== 0) throw new Error(`reading TensorFlow's requirements failed: ${lastLine(found)}`)
  return found.output.trim().split('\n')
}

function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'alibi')
}

async function findPython(): Promise<string> {
  for (const python of [process.env.PYTHON ?? 'python3', 'python']) {
    const pip = await runCommand(python, ['-m', 'pip', '--version']).catch(() => undefined)
    if (pip?.code === 0) return python
  }
  throw new Error('no Python with pip was found; install python3 and python3-pip, or use --tensorflow-dir')
}

async function requireSpace(folder: string, gigabytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = (bavail * bsize) / GIGABYTE
  if (free < gigabytes)
    throw new Error(
      `${gigabytes} GB of disk space are needed in ${folder}, ${free.toFixed(1)} are free; make room or set XDG_CACHE_HOME`,
    )
}

/** Any Python can fetch wheels made for another one. */
const OTHER_PYTHON = [
  ...['--python-version', '3.12', '--implementation', 'cp', '--abi', 'cp312', '--abi', 'none', '--abi', 'abi3'],
  ...['--platform', 'manylinux_2_27_x86_64', '--platform', 'manylinux2014_x86_64', '--platform', 'any'],
]

async function pipDownload(python: string, folder: string, packages: readonly string[]): Promise<void> {
  const visible = process.stderr.isTTY === true
  const base = [
    '-m',
    'pip',
    'download',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary=:all:',
    '-d',
    folder,
  ]
  const attempt = (extra: readonly string[]) => runCommand(python, [...base, ...extra, ...packages], { visible })
  const first = await attempt([])
  if (first.code === 0) return
  const second = await attempt(OTHER_PYTHON)
  if (second.code !== 0) throw new Error(pipProblem(first))
}

const pipProblem = (finished: Finished): string =>
  /NewConnectionError|Temporary failure|No address|timed out|ConnectionError/.test(finished.output)
    ? 'pip cannot reach a package index; connect to the network, or use --tensorflow-dir'
    : `pip download failed: ${finished.output ? lastLine(finished) : 'its message is above'}; or use --tensorflow-dir`
