import type { JobId, TaskId } from '@fog/kernel'
import { FogError } from '@fog/kernel'
import type { JobStatus } from './job.ts'
import type { Refusal } from './admission.ts'
import type { TaskStatus } from './task.ts'

export class SchedulerError extends FogError<
  | { code: 'job.not_found'; jobId: JobId }
  | { code: 'job.over'; jobId: JobId; status: JobStatus }
  | { code: 'job.refused'; refusals: readonly Refusal[]; why: string }
  | { code: 'task.not_found'; taskId: TaskId }
  | { code: 'task.no_result'; taskId: TaskId; status: TaskStatus }
> {
  static override readonly texts = {
    'job.not_found': {
      says: 'There is no job {jobId} that you may see.',
      fix: 'List your jobs with `fog ps` and copy the id.',
    },
    'job.over': {
      says: 'The job {jobId} is over already ({status}).',
      fix: 'Submit it again to run it once more.',
    },
    'job.refused': {
      says: 'This fog cannot run the job as it is. {why}',
      fix: 'Then submit it again.',
    },
    'task.not_found': {
      says: 'There is no task {taskId} that you may see.',
      fix: 'List the tasks of the job and copy the id.',
    },
    'task.no_result': {
      says: 'The task {taskId} has no result: it is {status}.',
      fix: 'Wait until it is done, or see with `fog why` what it waits for.',
    },
  }
}

/** The error of a job that admission refused. */
export function jobRefused(refusals: readonly Refusal[]): SchedulerError {
  const why = refusals.map(({ sentence }) => sentence).join(' ')
  return new SchedulerError({ code: 'job.refused', refusals, why })
}
