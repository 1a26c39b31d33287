import type { Job, StepSpec } from './job.ts'
import { countTasks, isBlocked, isOpen } from './states.ts'
import { type JobStep, sameItem } from './steps.ts'
import type { Task } from './task.ts'

/** What is wrong with the steps of a job as they are stored: counts, and tasks that wait for too much or too little. */
export function auditSteps({ jobId, spec }: Job, tasks: readonly Task[], steps: readonly JobStep[]): string[] {
  if (!spec.steps) return steps.length === 0 ? [] : [`${jobId} has steps that its spec does not name`]
  const byIndex = new Map(tasks.map((task) => [task.index, task]))
  const of = ({ first, tasks: count }: StepSpec) => Array.from({ length: count }, (_, i) => byIndex.get(first + i)!)
  const isDone = (task: Task | undefined) => task?.status === 'done'
  const whole = spec.steps.map((step) => of(step).every(isDone))
  return spec.steps.flatMap((step, place) => {
    const mine = of(step)
    const faults = mine.filter(isOpen).flatMap((task) => {
      const unmet = step.needs.filter((need) =>
        need.how === 'all'
          ? !whole[need.step]
          : !isDone(byIndex.get(sameItem(step, spec.steps![need.step]!, task.index))),
      ).length
      const blockedBy = task.blockedBy ?? 0
      return blockedBy === unmet ? [] : [`${task.taskId} waits for ${blockedBy} steps, not the ${unmet} that are open`]
    })
    const known = steps.find((each) => each.step === place)
    const counted = { waiting: mine.filter((task) => isOpen(task) && isBlocked(task)).length, ...countTasks(mine) }
    const said = known && { waiting: known.waiting, ...known.counts }
    if (JSON.stringify(said) === JSON.stringify(counted)) return faults
    return [...faults, `${jobId} ${step.name} says ${JSON.stringify(said)}, its tasks are ${JSON.stringify(counted)}`]
  })
}
