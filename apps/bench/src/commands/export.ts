import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { selectBackend } from '@alibi/backend'
import { saveFairseq } from '@alibi/fairseq'
import { huggingFaceFamilies, saveHuggingFace } from '@alibi/huggingface'
import { Command, Option } from 'commander'
import { openCheckpoint } from '../checkpoints/open.js'
import type { OpenedCheckpoint } from '../checkpoints/opened.js'
import { DICTIONARY } from '../data/tokenizer/fairseq.js'
import { expectWritable, makeFolder } from '../files/paths.js'
import { pluginOption, vocabularyOption } from './options.js'

export function exportCommand(): Command {
  return new Command('export')
    .description('Write a checkpoint as Hugging Face transformers or fairseq reads it, its words included.')
    .argument('<checkpoint>', 'e.g. runs/…/checkpoints/alibi-seed1; see train --architecture')
    .addOption(
      new Option(
        '--to <family>',
        'model_type: bloom and mpt have ALiBi, gpt2 and opt learned positions, falcon ALiBi or rotary, the others rotary; or fairseq',
      )
        .choices([...huggingFaceFamilies, 'fairseq'])
        .makeOptionMandatory(),
    )
    .option('--out <folder>', 'a new one (default: the checkpoint with -<family> at the end)')
    .addOption(pluginOption())
    .addOption(vocabularyOption())
    .action(run)
}

interface Options {
  readonly to: string
  readonly out?: string
  readonly strategy?: string
  readonly vocabulary?: string
}

async function run(folder: string, { to, out, strategy, vocabulary }: Options): Promise<void> {
  const target = out ?? `${resolve(folder)}-${to}`
  if (target !== '' && existsSync(target))
    throw new Error(`export: expected a new folder, got ${target}, which exists; give another --out`)
  await expectWritable('export', target)
  // Arrays only pass through: the slowest backend is the one that every machine has.
  await selectBackend('cpu')
  const checkpoint = await openCheckpoint(folder, console.error, { strategy, vocabulary })
  const { model, tokenizer, trainLength } = checkpoint
  if (to === 'fairseq') await exportFairseq(target, checkpoint)
  else await saveHuggingFace(target, model, { family: to, trainLength, files: tokenizer.files() })
  console.log(`exported ${model.numParameters.toLocaleString('en')} parameters: ${target}`)
}

/** A folder with model.pt and its dict.txt. */
async function exportFairseq(target: string, { model, tokenizer, trainLength }: OpenedCheckpoint) {
  const files = tokenizer.files()
  if (!(DICTIONARY in files) || trainLength === undefined)
    throw new Error(
      'export: expected a checkpoint with the ids of fairseq for --to fairseq, got another; its tables have no rows for <s> and <pad>, which would take probability from the words',
    )
  await makeFolder('export', target)
  for (const [name, content] of Object.entries(files)) await writeFile(join(target, name), content)
  await saveFairseq(join(target, 'model.pt'), model, { trainLength })
}
