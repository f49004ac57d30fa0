import * as tf from '@tensorflow/tfjs'

/** What tfjs-node hands to TensorFlow for one attribute of an op. */
export interface OpAttribute {
  readonly name: string
  /** A TF_AttrType. */
  readonly type: number
  readonly value: unknown
}

interface OutputMetadata {
  readonly id: number
  readonly shape: readonly number[]
  readonly dtype: number
}

/** The native addon. */
export interface Binding {
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputIds: readonly number[],
    outputs: number,
  ): OutputMetadata[]
  createTensor(shape: readonly number[], dtype: number, data: ArrayBufferView): number
  deleteTensor(id: number): void
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array
  loadSavedModel(folder: string, tags: string): number
  runSavedModel(id: number, inputIds: readonly number[], inputs: string, outputs: string): OutputMetadata[]
  deleteSavedModel(id: number): void
  readonly TF_FLOAT: number
  readonly TF_INT32: number
  readonly TF_ATTR_STRING: number
  readonly TF_ATTR_INT: number
  readonly TF_ATTR_FLOAT: number
  readonly TF_ATTR_BOOL: number
  readonly TF_ATTR_TYPE: number
  readonly TF_ATTR_SHAPE: number
}

/** The programs of our operation of chains (native/operations.cc). */
export interface Chains {
  /** @returns its number */
  keepChain(program: Int32Array): number
  dropChain(program: number): void
  /** How many are kept. */
  numChains(): number
  /** What this processor has of avx512, avx2 and plain, the widest first. */
  readonly instructionSets: readonly string[]
}

/** The parts of tfjs-node's backend that are not in TensorFlow.js's types. */
export interface NodeBackend {
  binding: Binding
  readonly isUsingGpuDevice: boolean
  /** Whether TensorFlow has our operations (native/operations.cc). */
  readonly operations?: boolean
  readonly chains?: Chains
  /**
   * While a step is recorded: makes a tensor that it made on the host an input of the graph. Before each run `make` gives its
   * numbers.
   */
  feed?: (tensor: tf.Tensor, make: () => Float32Array | Int32Array) => void
  /** While a step is recorded: the graph is for runs for which this holds. */
  guard?: (holds: () => boolean) => void
  /** While a step is recorded: says why it cannot be a graph. */
  keepOut?: (reason: string) => void
  /** While a step of replicas is recorded: the sum of a tensor over all of them. */
  sumReplicas?: (tensor: tf.Tensor) => tf.Tensor
  readonly tensorMap: { get(dataId: object): { readonly shape: readonly number[]; readonly dtype: number } }
  /** The TF_DataType of a dtype. */
  getDTypeInteger(dtype: string): number
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[]
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly tf.TensorInfo[]): tf.Tensor
  createOutputTensor(metadata: OutputMetadata): tf.Tensor
}

/** The tensorflow backend if TensorFlow.js computes with it now. */
export const nodeBackend = (): NodeBackend | undefined =>
  tf.getBackend() === 'tensorflow' ? (tf.backend() as unknown as NodeBackend) : undefined

/** An attribute that names the type of a tensor. */
export const typeAttribute = (backend: NodeBackend, name: string, dtype: string): OpAttribute => ({
  name,
  type: backend.binding.TF_ATTR_TYPE,
  value: backend.getDTypeInteger(dtype),
})
