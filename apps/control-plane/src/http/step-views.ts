import type { StepView, TaskView } from '@fog/contract'
import { type JobSpec, type JobStep, stepPlaceOf, type Task } from '@fog/scheduler'

/** How steps look from outside. */

export function stepView({ steps }: JobSpec, { step: place, waiting, counts }: JobStep): StepView {
  const { name, first, tasks, needs, program } = steps![place]!
  return { name, first, tasks, waiting, counts, needs: needs.map((need) => steps![need.step]!.name), program }
}

/** Which step a task is of; undefined in a job of one program. */
export function taskStepView(spec: JobSpec, { index }: Pick<Task, 'index'>): TaskView['step'] {
  const place = stepPlaceOf(spec, index)
  if (place === undefined) return undefined
  const { name, first, tasks } = spec.steps![place]!
  return { name, index: index - first, tasks }
}
