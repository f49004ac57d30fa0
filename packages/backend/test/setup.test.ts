import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../src/setup/command.js'
import { downloadLibraries, findLibraries } from '../src/setup/libraries.js'
import { setUpTensorflow } from '../src/setup/setup.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-setup-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function files(...names: string[]) {
  for (const name of names) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), '')
  }
}

describe('findLibraries', () => {
  it('knows the layout of the pip package', async () => {
    const names = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'include/tensorflow/c/c_api.h']
    await files(...names.map((name) => `tensorflow/${name}`))
    expect(findLibraries(folder)).toEqual({
      main: join(folder, 'tensorflow/libtensorflow_cc.so.2'),
      framework: join(folder, 'tensorflow/libtensorflow_framework.so.2'),
      include: join(folder, 'tensorflow/include'),
      nvidia: undefined,
    })
  })

  it("knows the layout of the C library's archive", async () => {
    await files('lib/libtensorflow.so.2', 'lib/libtensorflow_framework.so.2', 'include/tensorflow/c/c_api.h')
    expect(findLibraries(folder)?.main).toBe(join(folder, 'lib/libtensorflow.so.2'))
  })

  it('finds nothing in a folder without headers', async () => {
    await files('libtensorflow_cc.so.2', 'libtensorflow_framework.so.2')
    expect(findLibraries(folder)).toBeUndefined()
  })
})

it('says what a named folder lacks', async () => {
  await expect(setUpTensorflow({ tensorflowDir: folder })).rejects.toThrow(`got ${folder}`)
})

it('unpacks the libraries of a wheel into the cache, once', async () => {
  // A stand-in for pip that writes a small wheel where the real one would: no network in a test.
  const python = join(folder, 'python')
  const wheel = `
import sys, zipfile
folder = sys.argv[sys.argv.index('-d') + 1]
with zipfile.ZipFile(folder + '/tensorflow_cpu.whl', 'w') as archive:
    for name in ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'include/tensorflow/c/c_api.h', 'big.py']:
        archive.writestr('tensorflow/' + name, '')
`
  await writeFile(join(folder, 'wheel.py'), wheel)
  await writeFile(
    python,
    `#!/bin/sh\ncase "$*" in *--version) ;; *pip*) exec python3 ${folder}/wheel.py "$@" ;; *) exec python3 "$@" ;; esac\n`,
    { mode: 0o755 },
  )
  const environment = { PYTHON: process.env.PYTHON, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }
  Object.assign(process.env, { PYTHON: python, XDG_CACHE_HOME: folder })
  try {
    const lines: string[] = []
    const options = { gpu: false, log: (line: string) => void lines.push(line) }
    const libraries = await downloadLibraries(options)
    expect(libraries.main).toMatch(/alibi\/tensorflow-.*-cpu\/tensorflow\/libtensorflow_cc\.so\.2$/)
    expect(await downloadLibraries(options)).toEqual(libraries)
    expect(lines.at(-1)).toBe('TensorFlow is in the cache')
  } finally {
    for (const [name, value] of Object.entries(environment))
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  }
})

it('names a program that is not there', async () => {
  await expect(runCommand('no-such-program', [])).rejects.toThrow('no-such-program is not installed')
  expect(await runCommand('sh', ['-c', 'echo a; echo b >&2; exit 3'])).toMatchObject({ code: 3 })
})
