import type { WhyView } from '@fog/contract'
import { explainWaiting, isOpen, type Job, type QueueDepth, TIERS, type Why } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { allNodes, nodeView } from './node-views.ts'

/** Of a large job the first waiting tasks speak for the rest: those behind wait for the same, and for them. */
const LOOKED_AT = 50

/** Why tasks of a job wait, the reason that holds most of them first. A job that is over waits for nothing. */
export async function explainJob({ database, clock }: Platform, job: Job): Promise<WhyView['reasons']> {
  const { jobs, nodes } = database.read
  const { jobId } = job
  const queued = await jobs.listTasks({ jobId, status: 'queued', limit: LOOKED_AT })
  const running = await jobs.listTasks({
    jobId,
    status: 'running',
    limit: LOOKED_AT - Math.min(queued.length, LOOKED_AT - 1),
  })
  const views = (await allNodes(nodes)).map((node) => nodeView(node))
  const depth = await jobs.queueDepth()
  const found = new Map<string, { code: string; text: string; tasks: number; rank: number }>()
  for (const task of [...queued, ...running].filter(isOpen)) {
    const attempts = (await jobs.findTask(task.taskId))?.attempts ?? []
    const reasons = explainWaiting({ task, attempts, job }, views, clock.now(), queueAhead(depth, job))
    reasons.forEach((why, rank) => count(found, why, rank))
  }
  return [...found.values()]
    .sort((a, b) => a.rank - b.rank || b.tasks - a.tasks)
    .map(({ code, text, tasks }) => ({ code, text, tasks }))
}

function count(
  found: Map<string, { code: string; text: string; tasks: number; rank: number }>,
  why: Why,
  rank: number,
): void {
  const known = found.get(why.text)
  if (known) known.tasks += 1
  else found.set(why.text, { code: why.code, text: why.text, tasks: 1, rank })
}

/** What goes first: all that waits in better tiers, and in its own tier at most what is not of this job. */
function queueAhead(depth: readonly QueueDepth[], { spec, counts }: Job) {
  const better = TIERS.slice(0, TIERS.indexOf(spec.tier))
  const waiting = (tiers: readonly string[]) =>
    depth.filter(({ tier }) => tiers.includes(tier)).reduce((sum, { queued }) => sum + queued, 0)
  return { higherTier: waiting(better), sameTier: Math.max(0, waiting([spec.tier]) - counts.queued) }
}
