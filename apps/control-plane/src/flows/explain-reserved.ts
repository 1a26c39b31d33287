import { durationText, type Job, plan } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { contextOf, openFog, Round, WINDOW } from './place-jobs.ts'
import { liveContext } from './plan-context.ts'
import { onlyWholeGangs, readWholeGangs } from './whole-gangs.ts'
import { withinQuota } from './within-quota.ts'

/** That room is kept for others, and how many of the job's tasks this holds up. */
export interface ReservedRoom {
  readonly code: 'reserved'
  readonly text: string
  readonly tasks: number
}

/**
 * Whether the room there is is kept for a gang or task that waits longer, as the next plan would have it: it is made here
 * and put into force by nobody. Undefined when none of the job's tasks waits for this.
 */
export async function explainReserved(
  platform: Platform,
  { jobId, accountId }: Job,
): Promise<ReservedRoom | undefined> {
  const { database, clock } = platform
  return database.transact(async (tx) => {
    const now = clock.now()
    const whole = await readWholeGangs(tx, await tx.jobs.takeQueued(now, WINDOW), now)
    // A placer at work meanwhile passed over what was looked at here.
    tx.wake('place')
    const queue = onlyWholeGangs(whole, await withinQuota(platform, tx, whole))
    const live = await liveContext(tx, queue, now)
    if (!live.running) return undefined
    const round = new Round()
    const fog = await openFog(platform, tx, round)
    const nodes = fog.nodes.map(({ view }) => view)
    const { waiting, reservation } = plan(queue, nodes, { ...contextOf(platform, fog, round), ...live })
    const own = new Set(queue.filter(({ job }) => job.jobId === jobId).map(({ task }) => task.taskId))
    const tasks = waiting.filter(({ taskId, reason }) => reason === 'reserved' && own.has(taskId)).length
    if (!reservation || tasks === 0) return undefined
    const holder = queue.find(({ job }) => job.jobId === reservation.jobId)?.job
    // Of another account's job nothing shows but that it waits.
    const whose = holder?.accountId === accountId ? `your job ${holder.spec.name}` : 'a job of another account'
    const begins = durationText(Math.max(0, reservation.beginsAt - now))
    const text = `Room is kept for ${whose}, which waits longer and is thought to begin in ${begins}; this would not be done before.`
    return { code: 'reserved', text, tasks }
  })
}
