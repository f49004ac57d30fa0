import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { selectBackend } from '@alibi/backend'
import { huggingFaceFamilies, saveHuggingFace } from '@alibi/huggingface'
import { Command, Option } from 'commander'
import { expectWritable } from '../files/paths.js'
import { openCheckpoint, pluginOption } from './open-checkpoint.js'

export function exportCommand(): Command {
  return new Command('export')
    .description('Write a checkpoint as Hugging Face transformers reads it, its tokenizer included.')
    .argument('<checkpoint>', 'e.g. runs/…/checkpoints/alibi-seed1; see train --architecture')
    .addOption(
      new Option(
        '--to <family>',
        'model_type: bloom and mpt have ALiBi, gpt_neox and llama rotary, gpt2 learned positions',
      )
        .choices(huggingFaceFamilies)
        .makeOptionMandatory(),
    )
    .option('--out <folder>', 'a new one (default: the checkpoint with -<family> at the end)')
    .addOption(pluginOption())
    .action(run)
}

interface Options {
  readonly to: string
  readonly out?: string
  readonly strategy?: string
}

async function run(folder: string, { to, out, strategy }: Options): Promise<void> {
  const target = out ?? `${resolve(folder)}-${to}`
  if (target !== '' && existsSync(target))
    throw new Error(`export: expected a new folder, got ${target}, which exists; give another --out`)
  await expectWritable('export', target)
  // Arrays only pass through: the slowest backend is the one that every machine has.
  await selectBackend('cpu')
  const { model, tokenizer, trainLength } = await openCheckpoint(folder, console.error, { strategy })
  await saveHuggingFace(target, model, { family: to, trainLength, files: tokenizer.files() })
  console.log(`exported ${model.numParameters.toLocaleString('en')} parameters: ${target}`)
}
