// ALiBi in ONNX Runtime: a graph of attention with the bias as an input, so that one file serves every length.
import { alibi } from '@alibi/alibi'
import { positionRange, reference, scoreBias } from '@alibi/core'
import { InferenceSession, Tensor } from 'onnxruntime-web'
import { PbfWriter } from 'pbf'

/** The protobuf of a model (onnx.proto's field numbers): weights = Softmax(q·kᵀ·scale + bias), with inputs of any size. */
function attentionModel(headDim: number): Uint8Array {
  const pbf = new PbfWriter()
  const message = (field: number, write: () => void) => pbf.writeMessage(field, write, undefined)
  const node = (op: string, inputs: string[], output: string) =>
    message(1, () => {
      for (const input of inputs) pbf.writeStringField(1, input)
      pbf.writeStringField(2, output)
      pbf.writeStringField(4, op)
    })
  const value = (field: number, name: string, letters: string[]) =>
    message(field, () => {
      pbf.writeStringField(1, name)
      message(2, () => {
        message(1, () => {
          pbf.writeVarintField(1, FLOAT)
          message(2, () => {
            for (const letter of letters) message(1, () => pbf.writeStringField(2, letter))
          })
        })
      })
    })
  pbf.writeVarintField(1, 8) // the version of the format
  message(7, () => {
    node('MatMul', ['q', 'kT'], 'products')
    node('Mul', ['products', 'scale'], 'scores')
    node('Add', ['scores', 'bias'], 'biased')
    node('Softmax', ['biased'], 'weights')
    pbf.writeStringField(2, 'attention')
    message(5, () => {
      pbf.writeVarintField(2, FLOAT)
      pbf.writePackedFloat(4, [1 / Math.sqrt(headDim)])
      pbf.writeStringField(8, 'scale')
    })
    value(11, 'q', ['heads', 'queries', 'headDim'])
    value(11, 'kT', ['heads', 'headDim', 'keys'])
    value(11, 'bias', ['heads', 'queries', 'keys'])
    value(12, 'weights', ['heads', 'queries', 'keys'])
  })
  message(8, () => pbf.writeVarintField(2, 13)) // the version of the operators
  return pbf.finish()
}
const FLOAT = 1

const [numHeads, headDim, length] = [2, 2, 3]
const session = await InferenceSession.create(attentionModel(headDim))
const float32 = (data: ArrayLike<number>, shape: number[]) => new Tensor('float32', Float32Array.from(data), shape)

// A decoding step: the last token's query, with the keys of all three.
const { bias } = alibi({ numHeads })
const tile = scoreBias(reference, bias, {}, positionRange(length - 1, 1), positionRange(0, length))
const { weights } = await session.run({
  q: float32([1, 1, 1, 1], [numHeads, 1, headDim]),
  kT: float32([1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1], [numHeads, headDim, length]),
  bias: float32(tile.data, [numHeads, 1, length]),
})
console.log(weights!.data as Float32Array) // → 0.2292, 0.244, 0.5268, 0.247, 0.248, 0.505
