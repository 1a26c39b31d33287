import type { AccountId, Instant, JobId, MemoryDatabase, MemoryTable, ScheduleId } from '@fog/kernel'
import { assert } from '@fog/kernel'
import type { Schedule, ScheduleRun, ScheduleStore } from '../../schedule-store.ts'

/** The memory twin. Schedules are few, so every question looks at all of them. */
export class MemoryScheduleStore implements ScheduleStore {
  readonly #schedules: MemoryTable<ScheduleId, Schedule>
  readonly #runs: MemoryTable<string, ScheduleRun>

  constructor(database: MemoryDatabase) {
    this.#schedules = database.table()
    this.#runs = database.table()
  }

  async add(schedule: Schedule): Promise<void> {
    assert(!this.#schedules.has(schedule.scheduleId), `${schedule.scheduleId} was added before`)
    this.#schedules.set(schedule.scheduleId, schedule)
  }

  async find(scheduleId: ScheduleId): Promise<Schedule | undefined> {
    return this.#schedules.get(scheduleId)
  }

  findForUpdate(scheduleId: ScheduleId): Promise<Schedule | undefined> {
    return this.find(scheduleId)
  }

  async list({ accountId, before, limit }: Parameters<ScheduleStore['list']>[0]): Promise<Schedule[]> {
    return [...this.#schedules.values()]
      .filter((each) => accountId === undefined || each.accountId === accountId)
      .filter((each) => before === undefined || each.scheduleId < before)
      .sort((a, b) => (a.scheduleId < b.scheduleId ? 1 : -1))
      .slice(0, limit)
  }

  async countOf(accountId: AccountId): Promise<number> {
    return [...this.#schedules.values()].filter((each) => each.accountId === accountId).length
  }

  async save({ scheduleId, status, nextAt }: Schedule): Promise<void> {
    const known = this.#schedules.get(scheduleId)
    assert(known, `${scheduleId} was never added`)
    this.#schedules.set(scheduleId, { ...known, status, nextAt })
  }

  async remove(scheduleId: ScheduleId): Promise<void> {
    this.#schedules.delete(scheduleId)
    for (const run of this.#runsOf(scheduleId)) this.#runs.delete(keyOf(run))
  }

  async listDue(now: Instant, limit: number): Promise<Schedule[]> {
    return [...this.#schedules.values()]
      .filter(({ status, nextAt }) => status === 'active' && nextAt !== undefined && nextAt <= now)
      .sort((a, b) => a.nextAt! - b.nextAt! || (a.scheduleId < b.scheduleId ? -1 : 1))
      .slice(0, limit)
  }

  async addRun(run: ScheduleRun): Promise<boolean> {
    if (this.#runs.has(keyOf(run))) return false
    this.#runs.set(keyOf(run), run)
    return true
  }

  async listRuns(scheduleId: ScheduleId, limit: number): Promise<ScheduleRun[]> {
    return this.#runsOf(scheduleId).slice(0, limit)
  }

  async lastJob(scheduleId: ScheduleId): Promise<JobId | undefined> {
    return this.#runsOf(scheduleId).find(({ jobId }) => jobId !== undefined)?.jobId
  }

  /** Latest first. */
  #runsOf(scheduleId: ScheduleId): ScheduleRun[] {
    return [...this.#runs.values()]
      .filter((run) => run.scheduleId === scheduleId)
      .sort((a: ScheduleRun, b: ScheduleRun) => b.dueAt - a.dueAt)
  }
}

function keyOf({ scheduleId, dueAt }: Pick<ScheduleRun, 'scheduleId'> & { readonly dueAt: Instant }): string {
  return `${scheduleId} ${dueAt}`
}
