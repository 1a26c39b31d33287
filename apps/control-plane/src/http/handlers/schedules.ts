import type { ScheduleRunView, ScheduleView } from '@fog/contract'
import { parseId, toRfc3339 } from '@fog/kernel'
import { needScope, seesAll } from '../../access/caller.ts'
import type { KnownCaller } from '../../access/known-caller.ts'
import { runNow } from '../../flows/run-schedules.ts'
import type { Platform } from '../../platform.ts'
import type { Schedule, ScheduleRun } from '../../schedule-store.ts'
import { ScheduleError } from '../../schedules/schedule-error.ts'
import { addSchedule, setScheduleStatus } from '../../schedules/schedules.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'
import { pageOf } from '../paging.ts'
import { present } from '../present.ts'

const RUNS_SHOWN = 50

export function scheduleHandlers({
  platform,
}: HandlerDependencies): Pick<
  Handlers,
  'addSchedule' | 'listSchedules' | 'getSchedule' | 'setSchedule' | 'removeSchedule' | 'runSchedule'
> {
  const { schedules } = platform.database.read
  return {
    addSchedule: async ({ caller, body, reach }) =>
      scheduleView(await addSchedule(platform, caller, body, reach), undefined),

    listSchedules: async ({ caller, query }) => {
      if (query.all === true) needScope(caller, 'admin')
      const accountId = query.all === true ? undefined : caller.accountId
      const before = query.after === undefined ? undefined : parseId('schedule', query.after)
      return pageOf(
        query,
        (limit) => schedules.list({ accountId, before, limit }),
        ({ scheduleId }) => scheduleId,
        (found) => Promise.all(found.map((schedule) => withLastRun(platform, schedule))),
      )
    },

    getSchedule: async ({ caller, params }) => {
      const schedule = await findSchedule(platform, caller, params.scheduleId)
      const runs = await schedules.listRuns(schedule.scheduleId, RUNS_SHOWN)
      return { schedule: scheduleView(schedule, runs[0]), runs: runs.map(runView) }
    },

    setSchedule: async ({ caller, params, body }) => {
      const { scheduleId } = await findSchedule(platform, caller, params.scheduleId)
      return withLastRun(platform, await setScheduleStatus(platform, scheduleId, body.status))
    },

    removeSchedule: async ({ caller, params }) => {
      const { scheduleId } = await findSchedule(platform, caller, params.scheduleId)
      await platform.database.transact((tx) => tx.schedules.remove(scheduleId))
    },

    runSchedule: async ({ caller, params }) => {
      const schedule = await findSchedule(platform, caller, params.scheduleId)
      return { jobId: await runNow(platform, schedule) }
    },
  }
}

/** One of the caller's own, or any for an admin. Throws `schedule.not_found` as if another's did not exist. */
async function findSchedule({ database }: Platform, caller: KnownCaller, text: string): Promise<Schedule> {
  const scheduleId = parseId('schedule', text)
  const schedule = await database.read.schedules.find(scheduleId)
  const mayRead = schedule && (schedule.accountId === caller.accountId || seesAll(caller))
  if (!mayRead) throw new ScheduleError({ code: 'schedule.not_found', scheduleId })
  return schedule
}

async function withLastRun({ database }: Platform, schedule: Schedule): Promise<ScheduleView> {
  const [last] = await database.read.schedules.listRuns(schedule.scheduleId, 1)
  return scheduleView(schedule, last)
}

function scheduleView(schedule: Schedule, last: ScheduleRun | undefined): ScheduleView {
  const { scheduleId, accountId, name, cron, timezone, catchUp, overlap, status, nextAt, createdAt } = schedule
  return {
    scheduleId,
    accountId,
    name,
    cron,
    timezone,
    catchUp,
    overlap,
    status,
    createdAt: toRfc3339(createdAt),
    ...present({
      nextAt: nextAt === undefined ? undefined : toRfc3339(nextAt),
      lastRun: last && runView(last),
    }),
  }
}

function runView({ dueAt, at, outcome, jobId, reason }: ScheduleRun): ScheduleRunView {
  return { dueAt: toRfc3339(dueAt), at: toRfc3339(at), outcome, ...present({ jobId, reason }) }
}
