import { spawnSync } from 'node:child_process'
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** H100s as nvidia-smi lists them; fields of the query. */
export const H100 = '550.54.15, 0, 9.0, 81559, 4, NVIDIA H100 80GB HBM3'

/** An nvidia-smi that prints these lines, in a folder for PATH. */
export async function fakeDriver(folder: string, lines: string, code = 0): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'nvidia-smi'), `#!/bin/sh\ncat <<'END'\n${lines}\nEND\nexit ${code}\n`, { mode: 0o755 })
}

/** NVIDIA's packages as TensorFlow 2.21's METADATA asks for them, with versions that are right. */
const PACKAGES = {
  'nvidia-cublas-cu12': ['<13.0,>=12.5.3.2', '12.9.1.4', 'cublas', ['libcublas.so.12', 'libcublasLt.so.12']],
  'nvidia-cuda-cupti-cu12': ['<13.0,>=12.5.82', '12.9.79', 'cuda_cupti', ['libcupti.so.12']],
  'nvidia-cuda-nvcc-cu12': ['<13.0,>=12.5.82', '12.9.86', 'cuda_nvcc', []],
  'nvidia-cuda-nvrtc-cu12': ['<13.0,>=12.5.82', '12.9.86', 'cuda_nvrtc', ['libnvrtc.so.12']],
  'nvidia-cuda-runtime-cu12': ['<13.0,>=12.5.82', '12.9.79', 'cuda_runtime', ['libcudart.so.12']],
  'nvidia-cudnn-cu12': ['<10.0,>=9.3.0.75', '9.14.0.64', 'cudnn', ['libcudnn.so.9']],
  'nvidia-cufft-cu12': ['<12.0,>=11.2.3.61', '11.4.1.4', 'cufft', ['libcufft.so.11']],
  'nvidia-curand-cu12': ['<11.0,>=10.3.6.82', '10.3.10.19', 'curand', ['libcurand.so.10']],
  'nvidia-cusolver-cu12': ['<12.0,>=11.6.3.83', '11.7.5.82', 'cusolver', ['libcusolver.so.11']],
  'nvidia-cusparse-cu12': ['<13.0,>=12.5.1.3', '12.5.10.65', 'cusparse', ['libcusparse.so.12']],
  'nvidia-nccl-cu12': ['<3.0,>=2.27.7', '2.28.3', 'nccl', ['libnccl.so.2']],
  'nvidia-nvjitlink-cu12': ['<13.0,>=12.5.82', '12.9.86', 'nvjitlink', ['libnvJitLink.so.12']],
} as const

export const CUDA_LIBRARIES: readonly string[] = Object.values(PACKAGES).flatMap(([, , , names]) => [...names])

/**
 * A pip that makes wheels as TensorFlow's and NVIDIA's are, instead of downloading them: libraries that a compiler makes of
 * nothing, ptxas executable, metadata. cuSOLVER needs nvJitLink without saying where it is, as the real one.
 *
 * @returns the path of a Python with that pip
 */
export async function fakePip(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const compile = (name: string, ...more: string[]) => {
    const args = ['-shared', '-o', name, `-Wl,-soname,${name}`, '-Wl,--no-as-needed', '-x', 'c', '/dev/null', ...more]
    const { status, stderr } = spawnSync('cc', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  compile('libnvJitLink.so.12')
  compile('libcusolver.so.11', '-x', 'none', '-L.', '-l:libnvJitLink.so.12')
  for (const name of CUDA_LIBRARIES)
    if (!/nvJitLink|cusolver/.test(name)) await copyFile(join(folder, 'libnvJitLink.so.12'), join(folder, name))
  await writeFile(join(folder, 'packages.json'), JSON.stringify(PACKAGES))
  await writeFile(join(folder, 'pip.py'), PIP)
  const python = join(folder, 'python')
  const pip = `*--version) ;; *pip*) exec python3 ${folder}/pip.py "$@" ;; *) exec python3 "$@" ;;`
  await writeFile(python, `#!/bin/sh\ncase "$*" in ${pip} esac\n`)
  await chmod(python, 0o755)
  return python
}

const PIP = `
import json, os, sys, zipfile
here = os.path.dirname(__file__)
packages = json.load(open(here + '/packages.json'))
folder = sys.argv[sys.argv.index('-d') + 1]

def wheel(name, version, files, requires=''):
    with zipfile.ZipFile(f'{folder}/{name}-{version}-py3-none-any.whl', 'w') as archive:
        def add(path, data, mode=0o644):
            info = zipfile.ZipInfo(path)
            info.external_attr = (0o100000 | mode) << 16
            archive.writestr(info, data)
        for path, data, *mode in files: add(path, data, *mode)
        add(f'{name}-{version}.dist-info/METADATA', f'Name: {name}\\n{requires}')

for asked in sys.argv[sys.argv.index('-d') + 2:]:
    if asked.startswith('tensorflow'):
        names = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'include/tensorflow/c/c_api.h', 'big.py']
        info = "build_info = collections.OrderedDict([('cpu_compiler', 'clang 18'), ('cuda_compute_capabilities', ['sm_60', 'sm_70', 'sm_80', 'sm_89', 'compute_90']), ('cuda_version', '12.5.1'), ('cudnn_version', '9'), ('is_cuda_build', True)])"
        if asked.startswith('tensorflow-cpu'):
            info = "build_info = collections.OrderedDict([('cpu_compiler', 'clang 18'), ('is_cuda_build', False)])"
            packages = {}
        requires = ''.join(f'Requires-Dist: {name}{wanted}; extra == "and-cuda"\\n' for name, (wanted, *_) in packages.items())
        files = [('tensorflow/' + name, '') for name in names] + [('tensorflow/python/platform/build_info.py', info)]
        name, version = asked.split('==')
        wheel(name.replace('-', '_'), version, files, requires)
        continue
    name = asked.split('<')[0]
    wanted, version, sub, libraries = packages[name]
    assert asked == name + wanted, asked
    files = [(f'nvidia/{sub}/lib/{lib}', open(f'{here}/{lib}', 'rb').read(), 0o755) for lib in libraries]
    if sub == 'cuda_nvcc':
        files += [('nvidia/cuda_nvcc/bin/ptxas', '#!/bin/sh\\n', 0o755), ('nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc', 'BC')]
    wheel(name.replace('-', '_'), version, files)
`
