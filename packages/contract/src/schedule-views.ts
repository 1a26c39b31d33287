import { type Static, Type } from 'typebox'
import { JobSubmission } from './job-document.ts'
import { id, Name, strict, Timestamp, Tokens } from './schemas.ts'

/** What the API shows of jobs that recur, and of quotas. */

export const Cron = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'Minute, hour, day of month, month, day of week: `0 3 * * *`',
})
export const Timezone = Type.String({ minLength: 1, maxLength: 64, description: 'IANA name, such as Europe/Berlin' })
export const CatchUp = Type.Union([Type.Literal('skip'), Type.Literal('one')], {
  description: 'Instants that passed while nobody could submit: left out, or made up for by one job',
})
export const Overlap = Type.Union([Type.Literal('allow'), Type.Literal('skip')], {
  description: 'Whether a job is submitted while the one before is not over',
})

export const NewSchedule = strict({
  name: Type.Optional(Name),
  cron: Cron,
  timezone: Type.Optional(Timezone),
  catchUp: Type.Optional(CatchUp),
  overlap: Type.Optional(Overlap),
  job: JobSubmission,
})
export type NewSchedule = Static<typeof NewSchedule>

export const ScheduleRunView = strict({
  dueAt: Timestamp,
  at: Timestamp,
  outcome: Type.Union([
    Type.Literal('submitted'),
    Type.Literal('refused'),
    Type.Literal('overlapped'),
    Type.Literal('missed'),
  ]),
  jobId: Type.Optional(id('job')),
  reason: Type.Optional(Type.String()),
})
export type ScheduleRunView = Static<typeof ScheduleRunView>

export const ScheduleView = strict({
  scheduleId: id('schedule'),
  accountId: id('account'),
  name: Type.String(),
  cron: Type.String(),
  timezone: Type.String(),
  catchUp: CatchUp,
  overlap: Overlap,
  status: Type.Union([Type.Literal('active'), Type.Literal('paused')]),
  nextAt: Type.Optional(Timestamp),
  createdAt: Timestamp,
  lastRun: Type.Optional(ScheduleRunView),
})
export type ScheduleView = Static<typeof ScheduleView>

export const ScheduleDetailView = strict({
  schedule: ScheduleView,
  runs: Type.Array(ScheduleRunView, { description: 'The latest first' }),
})
export type ScheduleDetailView = Static<typeof ScheduleDetailView>

/** Limits of an account; what is not there is without limit. */
export const QuotaView = strict({
  accountId: id('account'),
  openJobs: strict({ used: Type.Integer(), limit: Type.Integer(), own: Type.Boolean() }),
  openTasks: strict({ used: Type.Integer(), limit: Type.Integer(), own: Type.Boolean() }),
  cores: strict({ used: Type.Number(), limit: Type.Optional(Type.Number()), own: Type.Boolean() }),
  tokensPerDay: strict({ used: Tokens, limit: Type.Optional(Tokens), own: Type.Boolean() }),
})
export type QuotaView = Static<typeof QuotaView>

const ownOr = <Limit extends ReturnType<typeof Type.Integer> | ReturnType<typeof Type.Number> | typeof Tokens>(
  limit: Limit,
) => Type.Optional(Type.Union([limit, Type.Literal('default')], { description: '`default` is as the settings say' }))

/** What is left out stays as it is. */
export const QuotaChange = strict({
  openJobs: ownOr(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  openTasks: ownOr(Type.Integer({ minimum: 0, maximum: 100_000_000 })),
  cores: ownOr(Type.Number({ minimum: 0, maximum: 1_000_000 })),
  tokensPerDay: ownOr(Tokens),
})
export type QuotaChange = Static<typeof QuotaChange>
