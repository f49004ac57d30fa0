// TensorBoard's messages, with the field numbers of its event.proto and summary.proto.
import { PbfWriter } from 'pbf'

export interface Scalar {
  readonly tag: string
  /** Kept in float32. */
  readonly value: number
}

export interface Scalars {
  /** Seconds since 1970. */
  readonly wallTime: number
  readonly step: number
  readonly scalars: readonly Scalar[]
}

/** What a file of events begins with. */
export const versionEvent = (wallTime: number): Uint8Array =>
  encode(wallTime, (event) => event.writeStringField(3, 'brain.Event:2'))

/** Takes back all that was written of the run before. */
export const startEvent = (wallTime: number): Uint8Array =>
  encode(wallTime, (event) => event.writeMessage(7, (status, log) => log.writeVarintField(1, status), START))

export const scalarsEvent = ({ wallTime, step, scalars }: Scalars): Uint8Array =>
  encode(wallTime, (event) => {
    if (step) event.writeVarintField(2, step)
    event.writeMessage(
      5,
      (all, summary) => all.forEach((each) => void summary.writeMessage(1, writeScalar, each)),
      scalars,
    )
  })

const START = 1

function writeScalar({ tag, value }: Scalar, writer: PbfWriter) {
  writer.writeStringField(1, tag)
  writer.writeFloatField(2, value)
}

function encode(wallTime: number, write: (event: PbfWriter) => void): Uint8Array {
  const event = new PbfWriter()
  event.writeDoubleField(1, wallTime)
  write(event)
  return event.finish()
}
