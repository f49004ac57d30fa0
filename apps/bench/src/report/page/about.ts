import { escapeHtml, htmlTable } from '@alibi/charts/page'
import { modelSize, type Results, type RunLine, rowsOf, trainLengthsOf } from '@alibi/results'
import { savedConfig, unknownSettings } from '../../config/saved.js'
import { without } from '../../config/without.js'
import { thousands } from '../../terminal/format.js'
import { downloadsOf } from '../downloads.js'
import { repeatCommand, repeatPlan } from '../repeat.js'
import { describeSchedule, describeSizes, describeText } from '../run-facts.js'

/** What was run, in a few facts. */
export function facts(results: Results): string {
  const { run } = results
  const { config, backend, device } = run
  const lengths = trainLengthsOf(rowsOf(results)).map(thousands)
  const list = {
    Text: describeText(run),
    Model: describeSizes(run),
    Training: `${config.steps ? `${thousands(config.steps)} steps ` : ''}at ${lengths.join(' and ') || thousands(config.trainLength)} tokens${describeSchedule(run)}`,
    Seeds: config.seeds.join(', '),
    Evaluation:
      typeof config.evalTokens === 'number'
        ? `${thousands(config.evalTokens)} held-out tokens at each length`
        : undefined,
    Machine: `${device}, by ${backend}`,
  }
  return `<dl>${Object.entries(list)
    .flatMap(([term, fact]) => (fact ? [`<div><dt>${term}<dd>${escapeHtml(fact)}</div>`] : []))
    .join('')}</dl>`
}

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
  const config = savedConfig(results.run)
  const strange = unknownSettings(results.run)
  if (!config || strange.length) return `<p>${escapeHtml(notRepeatable(strange))}</p>`
  const lengths = trainLengthsOf(rowsOf(results))
  const commands = (lengths.length ? lengths : [config.trainLength]).map((trainLength) =>
    repeatCommand({ ...config, trainLength }),
  )
  return `<p>${commands.length > 1 ? 'One command for each train length:' : 'The command:'}</p>
${code('Commands', commands.join('\n'))}`
}

type Sweep = NonNullable<RunLine['sweep']>

/** @param strange - settings that are not known */
const notRepeatable = (strange: readonly string[]) =>
  strange.length
    ? `This version has no ${strange.join(', ')}: repeat it with the version that wrote these results.`
    : 'Another program wrote these results: they do not say how to repeat them.'

function sweepAgain(run: RunLine, sweep: Sweep): string {
  const config = savedConfig(run)
  const strange = unknownSettings(run)
  if (!config || strange.length) return `<p>${escapeHtml(notRepeatable(strange))}</p>`
  const file = `${sweep.plan}.yaml`
  return `<p>The command, and the plan that it reads:</p>
${code('Command', `pnpm bench sweep ${file}`)}
${code(file, repeatPlan(config, sweep))}`
}

/** A config with all its train lengths, batch sizes and sizes in the place of the first. */
function sweepSettings(run: RunLine, sweep: Sweep) {
  const { plan, trainLengths, tokensPerStep } = sweep
  const { batchSize } = run.config
  return {
    plan,
    ...without(run.config, 'trainLength', 'batchSize', 'numLayers', 'modelDim', 'numHeads'),
    trainLengths,
    batchSizes: tokensPerStep ? trainLengths.map((length) => tokensPerStep / length) : batchSize,
    'layers × model dimension × heads': sweep.sizes.map((size) => modelSize(size)),
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
