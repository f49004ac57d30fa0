import protobuf from 'protobufjs/light.js'

// The messages of a SavedModel that a graph without files needs, with TensorFlow's own field numbers.
const schema: protobuf.INamespace = {
  nested: {
    SavedModel: {
      fields: {
        savedModelSchemaVersion: { type: 'int64', id: 1 },
        metaGraphs: { rule: 'repeated', type: 'MetaGraph', id: 2 },
      },
    },
    MetaGraph: { fields: { metaInfo: { type: 'MetaInfo', id: 1 }, graph: { type: 'Graph', id: 2 } } },
    MetaInfo: { fields: { tags: { rule: 'repeated', type: 'string', id: 4 } } },
    Graph: {
      fields: { node: { rule: 'repeated', type: 'Node', id: 1 }, versions: { type: 'Versions', id: 4 } },
    },
    Versions: { fields: { producer: { type: 'int32', id: 1 } } },
    Node: {
      fields: {
        name: { type: 'string', id: 1 },
        op: { type: 'string', id: 2 },
        input: { rule: 'repeated', type: 'string', id: 3 },
        attr: { keyType: 'string', type: 'Attribute', id: 5 } as protobuf.IMapField,
      },
    },
    Attribute: {
      oneofs: { value: { oneof: ['list', 's', 'i', 'f', 'b', 'type', 'shape', 'tensor'] } },
      fields: {
        list: { type: 'List', id: 1 },
        s: { type: 'bytes', id: 2 },
        i: { type: 'int64', id: 3 },
        f: { type: 'float', id: 4 },
        b: { type: 'bool', id: 5 },
        type: { type: 'int32', id: 6 },
        shape: { type: 'Shape', id: 7 },
        tensor: { type: 'Tensor', id: 8 },
      },
    },
    List: {
      fields: {
        i: { rule: 'repeated', type: 'int64', id: 3 },
        f: { rule: 'repeated', type: 'float', id: 4 },
        b: { rule: 'repeated', type: 'bool', id: 5 },
        type: { rule: 'repeated', type: 'int32', id: 6 },
      },
    },
    Shape: { fields: { dim: { rule: 'repeated', type: 'Dimension', id: 2 } } },
    Dimension: { fields: { size: { type: 'int64', id: 1 } } },
    Tensor: {
      fields: {
        dtype: { type: 'int32', id: 1 },
        shape: { type: 'Shape', id: 2 },
        content: { type: 'bytes', id: 4 },
      },
    },
  },
}
const root = protobuf.Root.fromJSON(schema)

export interface AttributeProto {
  readonly list?: { i?: readonly number[]; f?: readonly number[]; b?: readonly boolean[] }
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
  const message = {
    savedModelSchemaVersion: 1,
    metaGraphs: [{ metaInfo: { tags: [tag] }, graph: { node, versions: { producer: PRODUCER } } }],
  }
  return root.lookupType('SavedModel').encode(message).finish()
}
