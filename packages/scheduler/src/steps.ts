import { assert } from '@fog/kernel'
import type { JobId } from '@fog/kernel'
import type { InputFile, Job, JobSpec, StepNeed, StepSpec, TaskCounts } from './job.ts'

/** How a step stands. `waiting` of the queued tasks still wait for others. */
export interface JobStep {
  readonly jobId: JobId
  /** Its place among the steps of the job. */
  readonly step: number
  readonly waiting: number
  readonly counts: TaskCounts
  /** Inputs that all of its tasks share and other steps made; complete before the first of its tasks is queued. */
  readonly inputs: readonly InputFile[]
}

/** A span of a job's tasks by index. */
export interface TaskSpan {
  readonly first: number
  readonly tasks: number
}

/** The place of the step a task is of; undefined in a job of one program. */
export function stepPlaceOf({ steps }: Pick<JobSpec, 'steps'>, index: number): number | undefined {
  if (!steps) return undefined
  let [low, high] = [0, steps.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (steps[middle]!.first <= index) low = middle
    else high = middle - 1
  }
  const step = steps[low]
  assert(step && index >= step.first && index < step.first + step.tasks, `no step has task ${index}`)
  return low
}

/** What a task takes, in thousandths of a core: in a job of several steps what its own step does. */
export function cpuMilliOf(spec: Pick<JobSpec, 'steps' | 'limits'>, index: number): number {
  const place = stepPlaceOf(spec, index)
  return (place === undefined ? spec : spec.steps![place]!).limits.cpuMilli
}

/** The task of one step that has the same item as this task of another. */
export function sameItem(from: TaskSpan, to: TaskSpan, index: number): number {
  return index - from.first + to.first
}

/** Which steps need this one, and how. */
export function dependents(
  { steps }: Pick<JobSpec, 'steps'>,
  place: number,
): { readonly place: number; readonly step: StepSpec; readonly how: StepNeed['how'] }[] {
  return (steps ?? []).flatMap((step, at) =>
    step.needs.filter((need) => need.step === place).map(({ how }) => ({ place: at, step, how })),
  )
}

/** A job as a task of each of its steps sees it: what the job says, with the program, inputs and limits of that step. */
export function jobByTask(job: Job, steps: readonly JobStep[]): (index: number) => Job {
  const { spec } = job
  if (!spec.steps) return () => job
  const narrowed = new Map<number, Job>()
  return (index) => {
    const place = stepPlaceOf(spec, index)!
    const known = narrowed.get(place)
    if (known) return known
    const made = { ...job, spec: specOfStep(spec, place, steps.find(({ step }) => step === place)?.inputs ?? []) }
    narrowed.set(place, made)
    return made
  }
}

/** The spec of one step, complete; `shared` are the inputs that other steps made for all of its tasks. */
export function specOfStep(spec: JobSpec, place: number, shared: readonly InputFile[] = []): JobSpec {
  const step = spec.steps![place]!
  return {
    ...spec,
    program: step.program,
    args: step.args,
    env: step.env,
    inputs: shared.length === 0 ? step.inputs : [...step.inputs, ...shared],
    stdin: step.stdin,
    limits: step.limits,
    placeholders: step.placeholders,
    step: { name: step.name, first: step.first, tasks: step.tasks },
  }
}
