import { type Results, type RunLine, rowsOf, trainLengthsOf } from '@alibi/results'
import { escapeHtml, htmlTable } from '@alibi/charts/page'
import { modelSize } from '../../config/schema.js'
import { thousands } from '../../terminal/format.js'
import { downloadsOf } from '../downloads.js'
import { repeatCommand, repeatPlan } from '../repeat.js'

/** What was run, in a few facts. */
export function facts(results: Results): string {
  const { config, backend, device } = results.run
  const lengths = trainLengthsOf(rowsOf(results)).map(thousands)
  const list = {
    Text: `${config.data}, in ${config.tokenizer}`,
    Model: sizesOf(results.run)
      .map(
        ({ numLayers, modelDim, numHeads }) =>
          `${numLayers} layers, dimension ${thousands(modelDim)}, ${numHeads} heads`,
      )
      .join('; '),
    Training: `${thousands(config.steps)} steps at ${lengths.join(' and ') || thousands(config.trainLength)} tokens`,
    Seeds: config.seeds.join(', '),
    Evaluation: `${thousands(config.evalTokens)} held-out tokens at each length`,
    Machine: `${device}, by ${backend}`,
  }
  return `<dl>${Object.entries(list)
    .map(([term, fact]) => `<div><dt>${term}<dd>${escapeHtml(fact)}</div>`)
    .join('')}</dl>`
}

const sizesOf = ({ config, sweep }: RunLine) => sweep?.sizes ?? [config]

/** All that it takes to run it again. */
export function settingsSection(results: Results): string {
  const { sweep, versions, commit, backend, device } = results.run
  const code = commit ? `commit ${commit.replace('-dirty', ', with changes that are not in it')}` : 'not a git checkout'
  const settings = {
    ...(sweep ? sweepSettings(results.run, sweep) : results.run.config),
    backend,
    device,
    code,
    ...versions,
  }
  return `${sweep ? sweepAgain(results.run, sweep) : runAgain(results)}
<div class="words">${htmlTable(
    'Every setting',
    ['setting', 'value'],
    Object.entries(settings).map(([name, value]) => [escapeHtml(name), escapeHtml(setting(value))]),
  )}</div>`
}

function runAgain(results: Results): string {
  const { config } = results.run
  const lengths = trainLengthsOf(rowsOf(results))
  const commands = (lengths.length ? lengths : [config.trainLength]).map((trainLength) =>
    repeatCommand({ ...config, trainLength }),
  )
  return `<p>${commands.length > 1 ? 'One command for each train length:' : 'The command:'}</p>
${code('Commands', commands.join('\n'))}`
}

type Sweep = NonNullable<RunLine['sweep']>

function sweepAgain({ config }: RunLine, sweep: Sweep): string {
  const file = `${sweep.plan}.yaml`
  return `<p>The command, and the plan that it reads:</p>
${code('Command', `pnpm bench sweep ${file}`)}
${code(file, repeatPlan(config, sweep))}`
}

/** A config with all its train lengths, batch sizes and sizes in the place of the first. */
function sweepSettings(run: RunLine, { plan, trainLengths, tokensPerStep }: Sweep) {
  const { trainLength: _, batchSize, numLayers: __, modelDim: ___, numHeads: ____, ...config } = run.config
  return {
    plan,
    ...config,
    trainLengths,
    batchSizes: tokensPerStep ? trainLengths.map((length) => tokensPerStep / length) : batchSize,
    'layers × model dimension × heads': sizesOf(run).map((size) => modelSize(size, undefined)),
  }
}

const code = (label: string, text: string) =>
  `<pre tabindex="0" aria-label="${escapeHtml(label)}"><code>${escapeHtml(text)}</code></pre>`

const setting = (value: unknown) =>
  value instanceof Object && !Array.isArray(value) ? JSON.stringify(value) : [value].flat().join(', ')

/** The data, inside of the page, and how to cite. */
export function dataSection(results: Results): string {
  const links = downloadsOf(results).map(
    ({ file, what, url }) => `<li><a download="${file}" href="${url}">${file}</a>: ${what}`,
  )
  return `<ul>${links.join('')}</ul>
<p>Beside this page are <code>results.jsonl</code>, <code>report.md</code> and <code>figures/</code> with every figure as SVG and PNG.</p>
<h3>How to cite</h3>
<p>The paper, and the commit of this code (above).</p>
${code('BibTeX entry of the paper', BIBTEX)}`
}

const BIBTEX = `@inproceedings{press2022train,
  title     = {Train Short, Test Long: Attention with Linear Biases Enables Input Length Extrapolation},
  author    = {Press, Ofir and Smith, Noah A. and Lewis, Mike},
  booktitle = {International Conference on Learning Representations},
  year      = {2022},
  url       = {https://arxiv.org/abs/2108.12409}
}`
