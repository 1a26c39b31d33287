import { type Job, jobByTask, type JobStore, type Task } from '@fog/scheduler'

/** The job as the task's own step sees it. */
export async function jobOfTask(jobs: JobStore, job: Job, { index }: Pick<Task, 'index'>): Promise<Job> {
  if (!job.spec.steps) return job
  return jobByTask(job, await jobs.steps.list([job.jobId]))(index)
}
