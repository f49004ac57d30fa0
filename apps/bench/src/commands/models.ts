import { fairseqOnly, fairseqStrategies } from '@alibi/fairseq'
import { describeHuggingFaceFamilies, type HuggingFaceFamily } from '@alibi/huggingface/families'
import { strategyNames } from '@alibi/strategies'
import { Command } from 'commander'
import { paragraph } from '../terminal/paragraphs.js'

export function modelsCommand(): Command {
  return new Command('models')
    .description(
      'The families of models that eval, generate, train --from and others read, and what is refused of them.',
    )
    .option('--json', 'print one object of JSON')
    .action(models)
}

function models({ json }: { readonly json?: boolean }): void {
  const families = describeHuggingFaceFamilies()
  const fairseq = { positions: fairseqStrategies, only: fairseqOnly }
  const checkpoints = { positions: strategyNames }
  if (json) {
    console.log(JSON.stringify({ transformers: families, fairseq, checkpoints }))
    return
  }
  const foreign = Object.assign({}, ...families.map((family) => family.foreign))
  const lines = [
    'Folders of Hugging Face transformers, by model_type of config.json:',
    ...families.flatMap((family) => ['', ...describe(family)]),
    '',
    'All of them refuse quantised weights and, where the family does not read them:',
    row('', fieldsOf(foreign)),
    '',
    'Files of fairseq, with adaptive input and softmax:',
    row('positions', fairseq.positions.join(', ')),
    row('refused', fieldsOf(fairseq.only)),
    '',
    'Checkpoints of the bench, which train writes:',
    row('positions', `${checkpoints.positions.join(', ')}; those of your own files and packages`),
  ]
  console.log(lines.join('\n'))
}

const WIDTH = 13
const row = (name: string, text: string) => paragraph(`  ${name}`, text, WIDTH)

function describe(family: HuggingFaceFamily): string[] {
  const { name, className, positions, scalings, windows, skipsLayers, choices, only } = family
  const scaled = scalings.filter((each) => each !== 'default')
  const kinds = positions.map((kind) => (kind === 'rotary' ? `rotary (plain, ${scaled.join(', ')})` : kind))
  const more = [windows && `a window in ${windows}`, skipsLayers && 'none in some layers'].filter(Boolean)
  return [
    `${name}, ${className}`,
    row('positions', [kinds.join(' or '), ...more].join('; ')),
    ...(choices.length ? [row('choices', choices.join(', '))] : []),
    ...(Object.keys(only).length ? [row('refused', fieldsOf(only))] : []),
  ]
}

/** e.g. `attention_bias unless false` */
const fieldsOf = (only: Readonly<Record<string, readonly unknown[]>>): string =>
  Object.entries(only)
    .map(([name, values]) =>
      values.length ? `${name} unless ${values.map((value) => JSON.stringify(value)).join(' or ')}` : name,
    )
    .join(', ')
