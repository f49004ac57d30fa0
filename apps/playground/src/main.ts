import '@alibi/charts/figures.css'
import '@alibi/charts/page.css'
import './style.css'
import { dark, light, themeVariables } from '@alibi/charts'
import { type Figure, lossFigure, perplexityFigure, svgOf } from './figures.js'
import { newOutcome, type Outcome, titleOf } from './outcome.js'
import { show } from './page/charts.js'
import { element, isEnabled, save, setEnabled } from './page/elements.js'
import { chosenBackend, chosenPrompt, chosenTemperature, prepareForm, readExperiment } from './page/form.js'
import { showTexts } from './page/texts.js'
import { sentenceOf } from './problems.js'
import type { Experiment, FromWorker, ToWorker } from './protocol.js'
import { lossCsv, modelsZip, perplexityCsv } from './saves.js'

type State = 'opening' | 'closed' | 'ready' | 'running' | 'paused' | 'busy'

const start = element<HTMLButtonElement>('start')
const stop = element<HTMLButtonElement>('stop')
const write = element<HTMLButtonElement>('write')
const saveModels = element<HTMLButtonElement>('save-models')
const backend = element<HTMLSelectElement>('backend')

let state: State = 'opening'
let worker: Worker
let experiment: Experiment | undefined
let outcomes: Outcome[] = []
/** Models still to be asked for a text, one after the other. */
let toWrite: string[] = []

const say = (message: ToWorker) => worker.postMessage(message)
const outcomeOf = (strategy: string) => outcomes.find((outcome) => outcome.strategy === strategy)!

function enter(next: State): void {
  state = next
  start.textContent = { running: 'Pause', paused: 'Resume' }[next as string] ?? 'Start'
  setEnabled(start, next === 'ready' || next === 'running' || next === 'paused')
  setEnabled(stop, next === 'running' || next === 'paused')
  setEnabled(write, next === 'ready' && outcomes.some(({ trained }) => trained))
  backend.disabled = !['ready', 'closed'].includes(next)
}

function tellProblem(sentence: string | undefined): void {
  const problem = element('problem')
  problem.hidden = !sentence
  problem.textContent = sentence ?? ''
}

const tellStatus = (text: string) => {
  const status = element('status')
  // Screen readers would say it again.
  if (status.textContent !== text) status.textContent = text
}

/** A worker of its own for every device: what the one before held is freed with it. */
function open(): void {
  worker?.terminate()
  worker = new Worker(new URL('./worker/worker.ts', import.meta.url), { type: 'module' })
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => hear(data))
  worker.addEventListener('error', ({ message }) => fail(message || 'the worker did not start'))
  for (const outcome of outcomes) outcome.trained = false
  enter('opening')
  element('device').textContent = 'Looking for the fastest device…'
  say({ type: 'open', backend: chosenBackend() })
}

function fail(message: string): void {
  tellProblem(sentenceOf(message))
  tellStatus('Stopped.')
  toWrite = []
  if (state === 'opening') {
    element('device').textContent = 'No device is open.'
    enter('closed')
  } else open()
}

const NAMES = { webgpu: 'WebGPU', wasm: 'WebAssembly', cpu: 'JavaScript' }

function hear(message: FromWorker): void {
  switch (message.type) {
    case 'opened': {
      const { name, device, whyNotGpu } = message
      const without = whyNotGpu === undefined ? '' : ` No WebGPU: ${whyNotGpu}.`
      element('device').textContent = `Computes with ${NAMES[name]} on ${device}.${without}`
      enter('ready')
      break
    }
    case 'step': {
      const outcome = outcomeOf(message.strategy)
      outcome.losses.push(message.loss)
      outcome.tokensPerSecond = message.tokensPerSecond
      // Those of a paused or stopped training were on their way.
      if (state === 'running') tellStatus(`Training ${titleOf(message.strategy)}…`)
      redraw()
      break
    }
    case 'trained':
      Object.assign(outcomeOf(message.strategy), { trained: true, checkpoint: message.checkpoint })
      setEnabled(saveModels, message.checkpoint !== undefined)
      tellStatus(`Reading with ${titleOf(message.strategy)}…`)
      break
    case 'evaluated':
      outcomeOf(message.strategy).perplexity.set(message.evalLength, message.perplexity)
      redraw()
      break
    case 'text':
      outcomeOf(message.strategy).text = message.text
      tellStatus(`Writing with ${titleOf(message.strategy)}…`)
      redraw()
      break
    case 'idle':
      finish()
      break
    case 'failed':
      fail(message.message)
      break
  }
}

function finish(): void {
  const next = toWrite.shift()
  if (next === undefined) settle()
  else writeWith(next)
}

function settle(): void {
  const { strategies, steps } = experiment!
  const done = strategies.every((strategy) => outcomeOf(strategy).losses.length === steps)
  tellStatus(done ? 'Done.' : 'Stopped.')
  enter('ready')
  redraw()
}

function writeWith(strategy: string): void {
  outcomeOf(strategy).text = ''
  say({ type: 'write', writing: { strategy, prompt: chosenPrompt(), temperature: chosenTemperature() } })
}

/** Milliseconds between two pictures: they would cost more than the training. */
const REDRAW_EVERY_MS = 250
let willDraw = false

function redraw(): void {
  if (willDraw) return
  willDraw = true
  setTimeout(() => {
    willDraw = false
    draw()
  }, REDRAW_EVERY_MS)
}

function draw(): void {
  if (!experiment) return
  const { strategies, steps } = experiment
  const done = outcomes.reduce((sum, { losses }) => sum + losses.length, 0)
  element<HTMLProgressElement>('progress').value = done / (strategies.length * steps)
  const current = outcomes.findLast(({ losses }) => losses.length)
  element('rate').textContent = current
    ? `${titleOf(current.strategy)}: step ${current.losses.length} of ${steps}, loss ${current.losses.at(-1)!.toFixed(3)}, ${Math.round(current.tokensPerSecond).toLocaleString('en-US')} tokens/s`
    : ''
  show('loss', lossFigure(outcomes, experiment))
  show('perplexity', perplexityFigure(outcomes, experiment))
  showTexts(outcomes)
  for (const id of ['extrapolation', 'generated'])
    element(id).querySelector<HTMLElement>('.nothing')!.hidden = outcomes.some(({ perplexity }) => perplexity.size)
  element('training').querySelector<HTMLElement>('.nothing')!.hidden = outcomes.some(({ losses }) => losses.length)
}

element('experiment').addEventListener('submit', (event) => {
  event.preventDefault()
  if (!isEnabled(start)) return
  if (state === 'running') {
    say({ type: 'pause' })
    tellStatus('Paused.')
    return enter('paused')
  }
  if (state === 'paused') {
    say({ type: 'resume' })
    return enter('running')
  }
  const read = readExperiment()
  if ('problem' in read) {
    tellProblem(read.problem)
    return read.field.focus()
  }
  tellProblem(undefined)
  experiment = read.experiment
  outcomes = experiment.strategies.map(newOutcome)
  setEnabled(saveModels, false)
  enter('running')
  tellStatus('Starting…')
  draw()
  say({ type: 'run', experiment, prompt: chosenPrompt(), temperature: chosenTemperature() })
})

stop.addEventListener('click', () => {
  if (!isEnabled(stop)) return
  say({ type: 'stop' })
  tellStatus('Stopping…')
  enter('busy')
})

element('writing').addEventListener('submit', (event) => {
  event.preventDefault()
  if (!isEnabled(write)) return
  toWrite = outcomes.filter(({ trained }) => trained).map(({ strategy }) => strategy)
  enter('busy')
  finish()
})

saveModels.addEventListener('click', () => {
  if (!isEnabled(saveModels)) return
  save('alibi-playground.zip', 'application/zip', modelsZip(outcomes, experiment!))
})

function prepareSaves(
  id: string,
  csv: (experiment: Experiment) => string,
  figure: (outcomes: readonly Outcome[], experiment: Experiment) => Figure,
): void {
  element(`save-${id}-csv`).addEventListener('click', () => save(`${id}.csv`, 'text/csv', csv(experiment!)))
  element(`save-${id}-svg`).addEventListener('click', () =>
    save(`${id}.svg`, 'image/svg+xml', svgOf(figure(outcomes, experiment!))),
  )
}
// Their buttons are in the figures, which are hidden until there is something to save.
prepareSaves('loss', () => lossCsv(outcomes), lossFigure)
prepareSaves('perplexity', ({ trainLength }) => perplexityCsv(outcomes, trainLength), perplexityFigure)

backend.addEventListener('change', () => {
  tellProblem(undefined)
  open()
})
addEventListener('resize', redraw)

const theme = document.createElement('style')
theme.textContent = `:root{${themeVariables(light)}}@media screen and (prefers-color-scheme:dark){:root{${themeVariables(dark)}}}`
document.head.append(theme)
prepareForm(tellProblem)
open()
