import type { PreparedCuda } from './cuda/prepare.js'

const XLA = '--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit'
/** Of a flag's values the last one counts. */
const NO_XLA = '--tf_xla_auto_jit=-1'

/**
 * Variables that must hold before TensorFlow's library is loaded. Those that are set already stay, but that XLA is off where it
 * would end a step.
 *
 * @param environment - of this process
 */
export function processEnvironment({ xla }: PreparedCuda, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const flags = environment.TF_XLA_FLAGS
  return {
    // Start-up messages in colour on stderr, one for each device.
    TF_CPP_MIN_LOG_LEVEL: '2',
    // Attention's products, many small matrices, run 3 to 7 times faster with oneDNN than with Eigen.
    TF_ENABLE_ONEDNN_OPTS: '1',
    // Take GPU memory as it is needed instead of all of it.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // fp32 means fp32: TF32 products would miss every tolerance here by a factor of a thousand.
    NVIDIA_TF32_OVERRIDE: '0',
    // Graphs (compile) are fused; eager ops do not look at this.
    ...(xla && { TF_XLA_FLAGS: XLA }),
    ...environment,
    // A worker inherits what its parent has.
    ...(!xla && flags !== undefined && !flags.endsWith(NO_XLA) && { TF_XLA_FLAGS: `${flags} ${NO_XLA}` }),
  }
}
