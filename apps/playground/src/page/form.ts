import { type Corpus, corpusOf, evalLengthsOf, LARGEST_BYTES, problemOfText } from '../corpus.js'
import { strategies } from '../outcome.js'
import type { BackendChoice, Experiment } from '../protocol.js'
import sampleText from '../sample.txt?raw'
import { element } from './elements.js'

const text = element<HTMLTextAreaElement>('text')
const file = element<HTMLInputElement>('file')
const trainLength = element<HTMLSelectElement>('train-length')
const steps = element<HTMLInputElement>('steps')

export const chosenBackend = () => element<HTMLSelectElement>('backend').value as BackendChoice
export const chosenPrompt = () => element<HTMLInputElement>('prompt').value
export const chosenTemperature = () => Number(element<HTMLSelectElement>('temperature').value)

/** Makes the fields work. `tell` gets what is wrong with a file, or undefined. */
export function prepareForm(tell: (problem: string | undefined) => void): void {
  const use = (content: string) => {
    text.value = content
    describeText()
    tell(undefined)
  }
  element('sample').addEventListener('click', () => use(sampleText))
  text.addEventListener('input', describeText)
  trainLength.addEventListener('change', describeText)
  file.addEventListener('change', async () => {
    const [chosen] = file.files ?? []
    if (!chosen) return
    // The same file may be chosen again.
    file.value = ''
    if (chosen.size > LARGEST_BYTES)
      return tell(
        `${chosen.name} is too large for this page, which takes ${LARGEST_BYTES.toLocaleString('en-US')} bytes at most.`,
      )
    const content = await chosen.text()
    if (content.includes('\0')) return tell(`${chosen.name} is not a text file.`)
    use(content)
  })
  use(sampleText)
}

function describeText(): void {
  const corpus = corpusOf(text.value)
  const length = Number(trainLength.value)
  const [learned, held] = [corpus.train.length, corpus.valid.length].map((n) => n.toLocaleString('en-US'))
  element('text-size').textContent =
    problemOfText(corpus, length) ??
    `${learned} bytes to learn from, ${held} held out: enough to read ${evalLengthsOf(corpus, length).at(-1)! / length}× the train length.`
}

/** What the form asks for; or the problem with it, in one sentence, and the field that has it. */
export function readExperiment(): { experiment: Experiment } | { problem: string; field: HTMLElement } {
  const corpus: Corpus = corpusOf(text.value)
  const length = Number(trainLength.value)
  const problem = problemOfText(corpus, length)
  if (problem) return { problem, field: text }
  if (!steps.checkValidity())
    return {
      problem: `Steps must be a whole number from 1 to ${Number(steps.max).toLocaleString('en-US')}.`,
      field: steps,
    }
  const chosen = document.querySelector<HTMLInputElement>('input[name=strategy]:checked')!.value
  return {
    experiment: {
      ...corpus,
      strategies: chosen === 'all' ? strategies : [chosen],
      trainLength: length,
      steps: Number(steps.value),
    },
  }
}
