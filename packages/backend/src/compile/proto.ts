// The messages of a SavedModel that a graph without files needs, with TensorFlow's own field numbers.
// Written with Mapbox's pbf: small, maintained, and without the newer `long` that breaks tfjs' bundle.
import { PbfWriter } from 'pbf'

export interface AttributeProto {
  readonly list?: {
    i?: readonly number[]
    f?: readonly number[]
    b?: readonly boolean[]
    /** TF_DataTypes. */
    type?: readonly number[]
  }
  readonly s?: Uint8Array
  readonly i?: number
  readonly f?: number
  readonly b?: boolean
  /** A TF_DataType. */
  readonly type?: number
  readonly shape?: ShapeProto
  readonly tensor?: { dtype: number; shape: ShapeProto; content: Uint8Array }
}

export interface ShapeProto {
  readonly dim: readonly { readonly size: number }[]
}

export interface NodeProto {
  readonly name: string
  readonly op: string
  /** `node`, `node:output` or, for an order without data, `^node`. */
  readonly input: readonly string[]
  readonly attr: Readonly<Record<string, AttributeProto>>
}

export const shapeProto = (shape: readonly number[]): ShapeProto => ({ dim: shape.map((size) => ({ size })) })

/** A graph version that TensorFlow 2 reads with its current meaning of every op. */
const PRODUCER = 1000

/** @returns the bytes of `saved_model.pb` */
export function encodeSavedModel(node: readonly NodeProto[], tag: string): Uint8Array {
  const writer = new PbfWriter()
  writer.writeVarintField(1, 1) // saved_model_schema_version
  writer.writeMessage(2, writeMetaGraph, { node, tag })
  return writer.finish()
}

/** @returns a graph alone */
export function encodeGraph(node: readonly NodeProto[]): Uint8Array {
  const writer = new PbfWriter()
  writeGraph(node, writer)
  return writer.finish()
}

function writeMetaGraph({ node, tag }: { node: readonly NodeProto[]; tag: string }, writer: PbfWriter) {
  writer.writeMessage(1, (tag, info) => info.writeStringField(4, tag), tag)
  writer.writeMessage(2, writeGraph, node)
}

function writeGraph(nodes: readonly NodeProto[], writer: PbfWriter) {
  for (const node of nodes) writer.writeMessage(1, writeNode, node)
  writer.writeMessage(4, (producer, versions) => versions.writeVarintField(1, producer), PRODUCER)
}

function writeNode({ name, op, input, attr }: NodeProto, writer: PbfWriter) {
  writer.writeStringField(1, name)
  writer.writeStringField(2, op)
  for (const from of input) writer.writeStringField(3, from)
  for (const entry of Object.entries(attr)) writer.writeMessage(5, writeAttributeEntry, entry)
}

function writeAttributeEntry([name, attribute]: [string, AttributeProto], writer: PbfWriter) {
  writer.writeStringField(1, name)
  writer.writeMessage(2, writeAttribute, attribute)
}

function writeAttribute({ list, s, i, f, b, type, shape, tensor }: AttributeProto, writer: PbfWriter) {
  if (list) writer.writeMessage(1, writeList, list)
  if (s) writer.writeBytesField(2, s)
  if (i !== undefined) writer.writeVarintField(3, i)
  if (f !== undefined) writer.writeFloatField(4, f)
  if (b !== undefined) writer.writeBooleanField(5, b)
  if (type !== undefined) writer.writeVarintField(6, type)
  if (shape) writer.writeMessage(7, writeShape, shape)
  if (tensor) writer.writeMessage(8, writeTensor, tensor)
}

function writeList({ i, f, b, type }: NonNullable<AttributeProto['list']>, writer: PbfWriter) {
  if (i) writer.writePackedVarint(3, [...i])
  if (f) writer.writePackedFloat(4, [...f])
  if (b) writer.writePackedBoolean(5, [...b])
  if (type) writer.writePackedVarint(6, [...type])
}

function writeShape({ dim }: ShapeProto, writer: PbfWriter) {
  for (const { size } of dim) writer.writeMessage(2, (size, dimension) => dimension.writeVarintField(1, size), size)
}

function writeTensor({ dtype, shape, content }: NonNullable<AttributeProto['tensor']>, writer: PbfWriter) {
  writer.writeVarintField(1, dtype)
  writer.writeMessage(2, writeShape, shape)
  writer.writeBytesField(4, content)
}
