import * as tf from '@tensorflow/tfjs'

/** A function of tensors that runs as graphs, one for each shape of its inputs. */
export type CompiledStep = ((...inputs: tf.Tensor[]) => tf.Tensor[]) & { sync(): void; dispose(): void }

/** How a function of tensors is compiled; see `CompileOptions` of `@alibi/backend`. */
export interface StepCompilerOptions {
  /** Fuse the graph with XLA. Default: the compiler's choice. */
  readonly xla?: boolean | undefined
  /** Graphs kept for different shapes of inputs. Default: the compiler's choice. */
  readonly maxShapes?: number | undefined
  /** Told in one line why the step runs op by op; of several reasons, as of different shapes, each once. */
  readonly onFallback?: ((reason: string) => void) | undefined
}

/** A step of tensors made faster, as `compile` of `@alibi/backend` does: see there for what it asks of the step. */
export type StepCompiler = (
  step: (...inputs: tf.Tensor[]) => tf.Tensor[],
  variables: readonly tf.Variable[],
  options?: StepCompilerOptions,
) => CompiledStep

/** The compiler that the selected backend brings, as those of `@alibi/backend` do; undefined where it has none. */
export const currentCompiler = (): StepCompiler | undefined =>
  (tf.backend() as { readonly compile?: StepCompiler }).compile

/** Runs op by op what a compiler would compile. */
export const opByOp: StepCompiler = (step) =>
  Object.assign((...inputs: tf.Tensor[]) => tf.tidy(() => step(...inputs)), { sync() {}, dispose() {} })

/**
 * A tensor of numbers that the host makes anew for each run of a step. A compiled step asks again before each run; a tensor
 * made by `tf.tensor` would be a constant of it.
 */
export function hostTensor<R extends tf.Rank>(
  make: () => Float32Array | Int32Array,
  shape: tf.ShapeMap[R],
  dtype: 'float32' | 'int32',
): tf.Tensor<R> {
  const tensor = tf.tensor<R>(make(), shape, dtype)
  recorder().feed?.(tensor, make)
  return tensor
}

/** Says why the step that is being recorded cannot be a graph; without effect elsewhere. */
export const keepOutOfGraphs = (reason: string): void => recorder().keepOut?.(reason)

/** Says what must hold for a run of the step that is being recorded: other runs get a graph of their own. */
export const guardGraph = (holds: () => boolean): void => recorder().guard?.(holds)

/**
 * The sum of a tensor over all replicas that take a step together: the same bits on each.
 *
 * @throws Error, one line, where the step is not being recorded by a compiler for replicas
 */
export function sumOverReplicas<T extends tf.Tensor>(tensor: T): T {
  const { sumReplicas } = recorder()
  if (!sumReplicas)
    throw new Error(
      'trainStep: expected a compiler that sums over replicas, as `compile` of @alibi/backend with `replicas`, got none',
    )
  return sumReplicas(tensor) as T
}

/** What a backend of `@alibi/backend` offers while it records a step. */
interface Recorder {
  readonly feed?: (tensor: tf.Tensor, make: () => Float32Array | Int32Array) => void
  readonly guard?: (holds: () => boolean) => void
  readonly keepOut?: (reason: string) => void
  readonly sumReplicas?: (tensor: tf.Tensor) => tf.Tensor
}

const recorder = () => tf.backend() as Recorder
