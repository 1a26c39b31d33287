import type { AccountId, Instant } from '@fog/kernel'
import { type Incident, overdueWait, TIER_TERMS, TIERS } from '@fog/scheduler'
import type { Batch, Platform } from '../platform.ts'
import type { FogEvent, Transaction } from '../ports.ts'

const MOST = 256

/** An incident, and what its event says beside it. */
export interface Noted {
  readonly incident: Incident
  readonly accountId: AccountId
  /** The task's place within its job. */
  readonly index: number
}

/** Keeps incidents; of each promise that was broken and not known to be, an event tells. */
export async function noteIncidents(tx: Transaction, noted: readonly Noted[], at: Instant): Promise<number> {
  if (noted.length === 0) return 0
  const added = new Set(await tx.jobs.tiers.addIncidents(noted.map(({ incident }) => incident)))
  const events = noted.filter(({ incident }) => added.has(incident) && incident.broken).map((each) => eventOf(each, at))
  if (events.length > 0) {
    await tx.events.append(events)
    tx.wake('events')
  }
  return added.size
}

function eventOf({ incident, accountId, index }: Noted, at: Instant): FogEvent {
  const { jobId, taskId, kind, measured, bound = 0 } = incident
  return { type: 'task.promise_broken', at, accountId, jobId, taskId, data: { index, promise: kind, measured, bound } }
}

/** Notes the tasks that have waited longer than their tier promises when that happens, not only once they begin. */
export async function watchWaits({ database, clock }: Platform): Promise<Batch> {
  return database.transact(async (tx) => {
    const at = clock.now()
    const noted: Noted[] = []
    for (const tier of TIERS) {
      const { queueWaitP95Ms: bound } = TIER_TERMS[tier]
      if (bound === undefined || noted.length >= MOST) continue
      for (const { task, job } of await tx.jobs.tiers.listOverdueWaits(tier, at - bound, MOST - noted.length)) {
        noted.push({ incident: overdueWait(task, at, bound), accountId: job.accountId, index: task.index })
      }
    }
    await noteIncidents(tx, noted, at)
    return { next: noted.length >= MOST ? 'more' : 'idle', count: noted.length }
  })
}
