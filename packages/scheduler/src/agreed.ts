import type { AgreedResult } from './job-store.ts'
import type { Attempt, Task } from './task.ts'

/** Of a done task's attempts those whose result agrees with the accepted one, that included, in the order given. */
export function agreedOf(task: Task, attempts: readonly Attempt[]): AgreedResult[] {
  const accepted = attempts.find(({ attemptId }) => attemptId === task.acceptedAttemptId)?.report
  return attempts.flatMap((attempt) => {
    const { report, status } = attempt
    const agrees = status === 'reported' && accepted !== undefined && report?.digest === accepted.digest
    return report && agrees ? [{ task, attempt: { ...attempt, report } }] : []
  })
}
