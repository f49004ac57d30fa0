import { describe, isUnread, type PickleValue } from '@alibi/torch-checkpoint'

/** Options of fairseq, checked as they are read. */
export interface Fields {
  /** A whole number ≥ 1; without a fallback it must be there. */
  count(name: string, fallback?: number): number
  number(name: string, fallback: number): number
  flag(name: string, fallback: boolean): boolean
  text(name: string, fallback: string): string
  /** Refuses a field that is there and has another value. */
  only(name: string, value: number | boolean | null): void
  has(name: string): boolean
  /** Refuses the value of a field. */
  refuse(name: string, expected: string): never
}

/** @throws Error, one line with the field's name, from every reader */
function fieldsOf(values: ReadonlyMap<PickleValue, PickleValue>, where: string): Fields {
  const refuse = (name: string, expected: string): never => {
    throw new Error(`${where}: expected ${name} ${expected}, got ${describe(values.get(name))}`)
  }
  const typed = <T extends PickleValue>(name: string, type: string, fallback: T): T => {
    const value = values.get(name) ?? fallback
    return typeof value === type ? (value as T) : refuse(name, `to be a ${type}`)
  }
  return {
    count(name, fallback) {
      const value = values.get(name) ?? fallback
      return Number.isInteger(value) && (value as number) >= 1 ? (value as number) : refuse(name, 'to be a count ≥ 1')
    },
    number: (name, fallback) => typed(name, 'number', fallback),
    flag: (name, fallback) => typed(name, 'boolean', fallback),
    text: (name, fallback) => typed(name, 'string', fallback),
    only(name, value) {
      const got = values.get(name) ?? value
      if (got !== value) refuse(name, `to be ${describe(value)}: other variants are not computed`)
    },
    has: (name) => values.has(name),
    refuse,
  }
}

/** What a checkpoint says of its model, and in which of fairseq's two forms. */
export interface ModelFields {
  readonly fields: Fields
  /** Whether the options are the model's alone, `cfg.model` of fairseq 0.10.2 and later; else all of a command's. */
  readonly ofModel: boolean
}

/** @throws Error, one line, for a checkpoint without options of a model */
export function modelFields(checkpoint: ReadonlyMap<PickleValue, PickleValue>, where: string): ModelFields {
  const cfg = checkpoint.get('cfg')
  const args = checkpoint.get('args')
  const model = cfg instanceof Map ? cfg.get('model') : undefined
  if (model instanceof Map) return { fields: fieldsOf(model, `${where}: cfg.model`), ofModel: true }
  for (const [name, options] of [
    ['cfg.model', model],
    ['args', args],
  ] as const) {
    const known = isUnread(options) && options.name === 'argparse.Namespace' && options.state
    if (known instanceof Map) return { fields: fieldsOf(known, `${where}: ${name}`), ofModel: false }
  }
  throw new Error(
    `${where}: expected cfg.model or args with the model's options, got ${describe(model ?? cfg)} and ${describe(args)}`,
  )
}
