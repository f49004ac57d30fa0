import { isUnread, type PickleValue } from '@alibi/torch-checkpoint'

/** How a model was trained, as far as its file says it. */
export interface FairseqTraining {
  /** fairseq's name of it, e.g. `nag` or `adam`. */
  readonly optimizer: string | undefined
  /** The peak of its rate: that of the first epoch. */
  readonly learningRate: number | undefined
  /** Where gradients are cut; 0 for nowhere. */
  readonly clipNorm: number | undefined
}

type Options = ReadonlyMap<PickleValue, PickleValue>

/** Options of a checkpoint of newer versions, in groups, or of older ones, all together. What is strange counts as not said. */
export function trainingOf(checkpoint: Options): FairseqTraining {
  const groups = optionsOf(checkpoint.get('cfg'))
  const all = optionsOf(checkpoint.get('args'))
  const optimization = optionsOf(groups?.get('optimization')) ?? all
  const [rate] = [optimization?.get('lr')].flat()
  const optimizer = groups?.get('optimizer') ?? all?.get('optimizer')
  return {
    optimizer: textOf(optionsOf(optimizer)?.get('_name') ?? optimizer),
    learningRate: numberOf(rate),
    clipNorm: numberOf(optimization?.get('clip_norm')),
  }
}

/** A dictionary, or the members of Python's Namespace. */
function optionsOf(value: PickleValue | undefined): Options | undefined {
  const found = isUnread(value) && value.name === 'argparse.Namespace' ? value.state : value
  return found instanceof Map ? found : undefined
}

const textOf = (value: PickleValue | undefined) => (typeof value === 'string' ? value : undefined)
const numberOf = (value: PickleValue | undefined) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
