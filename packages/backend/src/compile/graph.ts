import { COLLECTIVE } from './collective.js'
import type { Binding, OpAttribute } from './node-backend.js'
import { type AttributeProto, type NodeProto, shapeProto } from './proto.js'
import { NotCompilable, type Recording, type Signature, type Source } from './record.js'

/** The names by which a session is run. */
export const names = {
  input: (index: number) => `input_${index}`,
  output: (index: number) => `output_${index}`,
  /** Fed to set a variable. */
  fresh: (index: number) => `fresh_${index}`,
  /** Fetched to set it. */
  uploaded: (index: number) => `uploaded_${index}`,
  read: (index: number) => `read_${index}`,
}

export interface GraphOptions {
  readonly inputs: readonly Signature[]
  readonly variables: readonly Signature[]
  /** Let XLA compile it. */
  readonly xla: boolean
}

/**
 * A recording as nodes of a TensorFlow graph. Each variable is read once, before anything assigns it; fetching an output
 * waits for every assignment. One pass over the recording, whose steps share the nodes made so far.
 *
 * @throws NotCompilable for an attribute that has no form in a graph
 */
export function buildGraph(
  recording: Recording,
  { inputs, variables, xla }: GraphOptions,
  binding: Binding,
): NodeProto[] {
  const { ops, constants, outputs, updates } = recording
  const nodes: NodeProto[] = []
  const node = (name: string, op: string, input: readonly string[], attr: Record<string, AttributeProto>) => {
    // XLA compiles what it may; its random numbers are others than those of TensorFlow's own ops.
    const compiled = xla && !op.startsWith('Stateless') && op !== COLLECTIVE
    nodes.push({ name, op, input, attr: compiled ? attr : { ...attr, _XlaCompile: { b: false } } })
    return name
  }
  const type = ({ dtype }: Signature) => ({ dtype: { type: dtype } })
  const typeAndShape = (signature: Signature) => ({ ...type(signature), shape: { shape: shapeProto(signature.shape) } })

  for (const [i, signature] of inputs.entries()) node(names.input(i), 'Placeholder', [], typeAndShape(signature))
  const zero = node('zero', 'Const', [], {
    dtype: { type: binding.TF_FLOAT },
    value: { tensor: { dtype: binding.TF_FLOAT, shape: shapeProto([]), content: new Uint8Array(4) } },
  })
  for (const [i, signature] of variables.entries()) {
    const handle = node(`variable_${i}`, 'VarHandleOp', [], {
      ...typeAndShape(signature),
      shared_name: { s: Buffer.from(`variable_${i}`) },
    })
    node(names.fresh(i), 'Placeholder', [], typeAndShape(signature))
    node(names.read(i), 'ReadVariableOp', [handle], type(signature))
    const upload = node(`upload_${i}`, 'AssignVariableOp', [handle, names.fresh(i)], type(signature))
    node(names.uploaded(i), 'Identity', [zero, after(upload)], { T: { type: binding.TF_FLOAT } })
  }

  for (const [i, { dtype, shape, content }] of constants.entries())
    node(`constant_${i}`, 'Const', [], {
      dtype: { type: dtype },
      value: { tensor: { dtype, shape: shapeProto(shape), content } },
    })
  const opName = (index: number) => `${ops[index]!.name}_${index}`
  const place = (source: Source): string => {
    if (source.kind === 'op') return source.output ? `${opName(source.op)}:${source.output}` : opName(source.op)
    if (source.kind === 'variable') return names.read(source.index)
    return source.kind === 'input' ? names.input(source.index) : `constant_${source.index}`
  }
  for (const [i, { name, attributes, inputs }] of ops.entries())
    node(opName(i), name, inputs.map(place), attributesOf(name, attributes, inputs.map(typeOf), binding))
  const assignments = [...updates].map(([i, source]) =>
    node(
      `assign_${i}`,
      'AssignVariableOp',
      [`variable_${i}`, place(source), after(names.read(i))],
      type(variables[i]!),
    ),
  )
  for (const [i, source] of outputs.entries())
    node(names.output(i), 'Identity', [place(source), ...assignments.map(after)], { T: { type: typeOf(source) } })
  return nodes

  function typeOf(source: Source): number {
    if (source.kind === 'op') return ops[source.op]!.outputs[source.output]!.dtype
    return { variable: variables, input: inputs, constant: constants }[source.kind][source.index]!.dtype
  }
}

const after = (node: string) => `^${node}`

/** What tfjs-node leaves to eager execution to infer: types of inputs by their index, and lengths of lists of inputs. */
const INFERRED_TYPES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ExpandDims: { T: 0, Tdim: 1 },
}
const INFERRED_LENGTHS: Readonly<Record<string, readonly [attribute: string, otherInputs: number]>> = {
  AddN: ['N', 0],
  ConcatV2: ['N', 1],
  Pack: ['N', 0],
}

function attributesOf(
  op: string,
  attributes: readonly OpAttribute[],
  inputTypes: readonly number[],
  binding: Binding,
): Record<string, AttributeProto> {
  const all: Record<string, AttributeProto> = {}
  for (const { name, type, value } of attributes) all[name] = attribute(op, name, type, value, binding)
  for (const [name, input] of Object.entries(INFERRED_TYPES[op] ?? {})) all[name] ??= { type: inputTypes[input]! }
  const list = INFERRED_LENGTHS[op]
  if (list) all[list[0]] ??= { i: inputTypes.length - list[1] }
  return all
}

function attribute(op: string, name: string, type: number, value: unknown, binding: Binding): AttributeProto {
  const numbers = Array.isArray(value) ? (value as number[]) : undefined
  if (type === binding.TF_ATTR_TYPE) return numbers ? { list: { type: numbers } } : { type: value as number }
  if (type === binding.TF_ATTR_STRING) return { s: Buffer.from(value as string) }
  if (type === binding.TF_ATTR_INT) return numbers ? { list: { i: numbers } } : { i: value as number }
  if (type === binding.TF_ATTR_FLOAT) return numbers ? { list: { f: numbers } } : { f: value as number }
  if (type === binding.TF_ATTR_BOOL) return numbers ? { list: { b: value as boolean[] } } : { b: Boolean(value) }
  if (type === binding.TF_ATTR_SHAPE) return { shape: shapeProto(value as number[]) }
  throw new NotCompilable(`${op}: its attribute ${name} has no form in a graph`)
}
