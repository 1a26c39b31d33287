import { fillTemplate } from './fill-template.ts'
import type { InputFile, StepInput, StepSpec } from './job.ts'
import type { Failure, OutputFile, Task } from './task.ts'
import { bytesText, countText } from './words.ts'

/** Inputs that a task gets from others at most: they travel in one message. */
export const MAX_GIVEN_INPUTS = 10_000

/** A task that is done, and what it left. */
export interface SourceTask extends Pick<Task, 'index' | 'item'> {
  readonly outputs: readonly OutputFile[]
  readonly stdout?: { readonly digest: string; readonly size: number } | undefined
}

/** What a task printed can be asked for by this name, as it is called among fetched results. */
export const STDOUT_NAME = 'stdout.txt'

/** Inputs as files, or why a task cannot have them. */
export type GivenInputs =
  | { readonly ok: true; readonly inputs: readonly InputFile[] }
  | { readonly ok: false; readonly failure: Failure }

/** Whether the input is the same for every task of its step. */
export function isShared({ how, output }: StepInput): boolean {
  return how === 'all' || (how === 'only' && !output?.includes('{'))
}

/** The inputs from one step that all tasks of another share. `sources` are all of that step's tasks, in order. */
export function sharedInputs(
  step: StepSpec,
  place: number,
  source: StepSpec,
  sources: readonly SourceTask[],
): GivenInputs {
  return gather(
    step,
    step.given
      .filter((given) => given.step === place && isShared(given))
      .flatMap((given) => sources.flatMap((each) => pick(given, source, each, fillingOf(source, each)))),
  )
}

/** The inputs from one step that are a task's own. `sources` are the task of the same item, or the only one there is. */
export function ownInputs(
  step: StepSpec,
  place: number,
  source: StepSpec,
  sources: readonly SourceTask[],
  task: Pick<Task, 'index' | 'item'>,
): GivenInputs {
  return gather(
    step,
    step.given
      .filter((given) => given.step === place && !isShared(given))
      .flatMap((given) => sources.flatMap((each) => pick(given, source, each, fillingOf(step, task)))),
  )
}

/** Where in a folder of all outputs a task's own lie; the one task of a step needs no folder of its own. */
export function folderOf(item: string, indexInStep: number): string {
  const name = item.replace(/^\/in\//, '').replaceAll(/[/\0]/g, '_')
  return name === '' || name === '.' || name === '..' ? String(indexInStep) : name
}

function pick(
  given: StepInput,
  source: StepSpec,
  from: SourceTask,
  filling: Parameters<typeof fillTemplate>[1],
): (InputFile | Failure)[] {
  const isFolder = given.path.endsWith('/')
  const base =
    source.tasks === 1 || !isFolder ? given.path : `${given.path}${folderOf(from.item, from.index - source.first)}/`
  if (given.output === undefined) return from.outputs.map((file) => ({ ...file, path: `${base}${file.path}` }))
  const wanted = fillTemplate(given.output, filling)
  const printed = wanted === STDOUT_NAME && from.stdout ? { ...from.stdout, path: wanted } : undefined
  const file = from.outputs.find(({ path }) => path === wanted) ?? printed
  if (file) return [{ ...file, path: isFolder ? `${base}${wanted}` : given.path }]
  return [
    { reason: 'inputs_unusable', detail: `task ${from.index} (${source.name}) left no "${wanted}" for ${given.path}` },
  ]
}

function gather({ limits }: StepSpec, found: readonly (InputFile | Failure)[]): GivenInputs {
  const inputs: InputFile[] = []
  let bytes = 0
  for (const each of found) {
    if ('reason' in each) return { ok: false, failure: each }
    bytes += each.size
    inputs.push({ path: each.path, digest: each.digest, size: each.size })
  }
  if (inputs.length > MAX_GIVEN_INPUTS) {
    return unusable(`they are ${countText(inputs.length, 'file')}, and a task takes ${MAX_GIVEN_INPUTS} at most`)
  }
  if (bytes > limits.diskBytes) {
    return unusable(`they take ${bytesText(bytes)}, and resources.diskMiB gives ${bytesText(limits.diskBytes)}`)
  }
  return { ok: true, inputs }
}

function unusable(detail: string): GivenInputs {
  return { ok: false, failure: { reason: 'inputs_unusable', detail } }
}

function fillingOf({ first, placeholders }: StepSpec, { item, index }: Pick<Task, 'index' | 'item'>) {
  return { item, index: index - first, placeholders }
}
