import { NOTHING } from '@fog/fog'
import type { Instant } from '@fog/kernel'
import { type Dispatch, handsOnState, type NodeView, type Occupant, type Tier } from '@fog/scheduler'
import type { Stores } from '../ports.ts'

/** What runs, or stands in line, on a node, and when it will have ended at the latest. */
export type Running = Occupant & Pick<Dispatch['attempt'], 'status'> & { readonly endsBy: Instant | undefined }

/** The live attempts of these tiers on these nodes, with what is reserved for each. */
export async function occupantsOf(
  { jobs, nodes }: Pick<Stores, 'jobs' | 'nodes'>,
  views: readonly NodeView[],
  tiers: readonly Tier[],
): Promise<Running[]> {
  const open = new Set(views.map(({ nodeId }) => nodeId))
  const live = (await jobs.tiers.listLive(tiers)).filter(({ attempt }) => open.has(attempt.nodeId))
  if (live.length === 0) return []
  const reserved = await nodes.reservationsOf([...new Set(live.map(({ attempt }) => attempt.nodeId))])
  const rooms = new Map(reserved.map(({ attemptId, resources }) => [attemptId, resources]))
  return live.map((each) => occupantOf(each, rooms.get(each.attempt.attemptId) ?? NOTHING))
}

function occupantOf({ attempt, task, job }: Dispatch, room: Occupant['room']): Running {
  const { attemptId, taskId, nodeId, status, startedAt, checkpoint, yieldBy } = attempt
  const { tier, limits } = job.spec
  return {
    attemptId,
    taskId,
    nodeId,
    status,
    tier,
    room,
    unsavedSince: checkpoint?.at ?? startedAt,
    keepsState: checkpoint !== undefined && handsOnState(task),
    isYielding: yieldBy !== undefined,
    endsBy: startedAt === undefined ? undefined : startedAt + limits.wallMs,
  }
}
