import type { JobSubmission } from '@fog/contract'
import type { AccountId, Instant, JobId, ScheduleId, UserId } from '@fog/kernel'

/** A job that is submitted again and again. */
export interface Schedule {
  readonly scheduleId: ScheduleId
  readonly accountId: AccountId
  readonly createdBy: UserId
  readonly name: string
  /** Five fields, or six with seconds first. */
  readonly cron: string
  /** IANA name, such as `Europe/Berlin`. */
  readonly timezone: string
  /** Instants that passed while nobody could submit: left out, or made up for by one job. */
  readonly catchUp: 'skip' | 'one'
  /** Whether a job is submitted while the one before is not over. */
  readonly overlap: 'allow' | 'skip'
  readonly submission: JobSubmission
  readonly status: 'active' | 'paused'
  /** The next instant it is due; undefined when it never is again. */
  readonly nextAt?: Instant | undefined
  readonly createdAt: Instant
}

/** What became of one instant. */
export interface ScheduleRun {
  readonly scheduleId: ScheduleId
  readonly dueAt: Instant
  readonly at: Instant
  readonly outcome: 'submitted' | 'refused' | 'overlapped' | 'missed'
  readonly jobId?: JobId | undefined
  /** Why no job was submitted, in a sentence. */
  readonly reason?: string | undefined
}

/** Where schedules are kept. Used inside a transaction; rows taken for change stay locked until its end. */
export interface ScheduleStore {
  add(schedule: Schedule): Promise<void>
  find(scheduleId: ScheduleId): Promise<Schedule | undefined>
  findForUpdate(scheduleId: ScheduleId): Promise<Schedule | undefined>
  /** Of an account, or of all; newest first. `before` is the last id of the page before. */
  list(filter: {
    readonly accountId?: AccountId | undefined
    readonly before?: ScheduleId | undefined
    readonly limit: number
  }): Promise<Schedule[]>
  countOf(accountId: AccountId): Promise<number>
  save(schedule: Schedule): Promise<void>
  /** With its runs; the jobs stay. */
  remove(scheduleId: ScheduleId): Promise<void>
  /** Active ones that are due, the longest due first. */
  listDue(now: Instant, limit: number): Promise<Schedule[]>
  /** Answers false, and changes nothing, when the instant has its run already. */
  addRun(run: ScheduleRun): Promise<boolean>
  /** Latest instant first. */
  listRuns(scheduleId: ScheduleId, limit: number): Promise<ScheduleRun[]>
  /** The job the schedule submitted last. */
  lastJob(scheduleId: ScheduleId): Promise<JobId | undefined>
}
