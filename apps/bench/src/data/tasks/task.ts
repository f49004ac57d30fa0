/** One question and its answer. */
export interface Trial {
  /** What the model reads. */
  readonly prompt: string
  /** What it is to write after it. */
  readonly answer: string
  /**
   * Parts of the answer that count each by itself, in its order: the score is the share of them that are right. Absent: the
   * answer as a whole, and the end of the line after it.
   */
  readonly parts?: readonly string[]
}

/** What a model is tried on: the built-in ones and those of people's own files are such objects. */
export interface Task {
  /** What lengths count, e.g. `digits`. Default `length`. */
  readonly unit?: string
  /** The shortest length that a trial may have. Default 1. */
  readonly shortest?: number
  /**
   * Makes a trial: a pure function of the length and of what `random` gives.
   *
   * @param length - an integer from {@link Task.shortest} up; longer ones take more tokens
   * @param random - uniform in [0, 1)
   * @param most - the tokens that it may have in all: more than that are made again, shorter. Most tasks need not know it
   */
  trial(length: number, random: () => number, most: number): Trial
}

/** A task with its name, and where it came from if that is a file or package. */
export interface NamedTask extends Required<Task> {
  /** In results: a built-in task's name, or that of its file. */
  readonly name: string
}

/** The end of an answer that counts as a whole: a model that goes on has not answered. */
export const END = '\n'

/** A trial as a text, from the prompt to the end of the answer. */
export const textOfTrial = ({ prompt, answer, parts }: Trial): string => `${prompt}${answer}${parts ? '' : END}`
