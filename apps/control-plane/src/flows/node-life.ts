import type { ConnectFacts, Duty, FogNode, Harvest, Health } from '@fog/fog'
import { NodeError, stateOf } from '@fog/fog'
import type { AttemptId, GatewayId, NodeId } from '@fog/kernel'
import type { Attempt } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import type { FogEvent, Transaction } from '../ports.ts'
import { advanceTasks } from './advance-tasks.ts'
import { UNMIXED } from './secrecy.ts'

export interface Connected {
  readonly node: FogNode
  /** Live attempts the node never got, or got and lost before it began: to be sent again. */
  readonly resend: readonly AttemptId[]
  /** Attempts the node holds that are no longer its own. */
  readonly drop: readonly AttemptId[]
}

/**
 * A node's channel is open. What it was running before and no longer holds was lost with it, and goes back to the queue
 * at once; leases it never began are sent again. Secret work is taken from a node that connects directly.
 */
export async function connectNode(
  platform: Platform,
  nodeId: NodeId,
  facts: ConnectFacts,
  holds: readonly AttemptId[],
): Promise<Connected> {
  return platform.database.transact(async (tx) => {
    await tx.nodes.connect(nodeId, facts)
    const node = await getNode(tx, nodeId)
    const live = await tx.jobs.listLive(nodeId)
    const held = new Set(holds)
    const shown = facts.reach === 'mixnet' ? [] : await secretAttempts(tx, live)
    const gone = live.filter((attempt) => !held.has(attempt.attemptId) && !shown.includes(attempt))
    const lost = gone.filter(({ status }) => status === 'running')
    await advanceTasks(platform, tx, [
      ...lost.map((attempt) => lostFor(platform, attempt, 'its node started anew without it')),
      ...shown.map((attempt) => lostFor(platform, attempt, UNMIXED)),
    ])
    await tx.jobs.renewLeases(
      live.map(({ attemptId }) => ({ attemptId, at: facts.at })),
      platform.config.timing.leaseMs,
    )
    await tx.events.append([
      { type: 'node.connected', at: facts.at, nodeId, data: { name: node.name, state: stateOf(node) } },
    ])
    tx.wake('events')
    tx.wake('place')
    const own = new Set(live.filter((attempt) => !shown.includes(attempt)).map(({ attemptId }) => attemptId))
    return {
      node,
      resend: gone.filter(({ status }) => status === 'leased').map(({ attemptId }) => attemptId),
      drop: holds.filter((attemptId) => !own.has(attemptId)),
    }
  })
}

/** Attempts of secret jobs, which a node that connects directly may not go on with: its messages would show what it works on. */
async function secretAttempts(tx: Transaction, live: readonly Attempt[]): Promise<Attempt[]> {
  const secret = await tx.jobs.secretAmong([...new Set(live.map(({ jobId }) => jobId))])
  return live.filter(({ jobId }) => secret.has(jobId))
}

function lostFor({ clock, rng }: Platform, { taskId, attemptId }: Attempt, why: string) {
  return { taskId, event: { type: 'lost', attemptId, at: clock.now(), why, jitter: rng.next() } as const }
}

/** The channel closed. No new work from now on; what runs keeps its lease until it ends. */
export async function disconnectNode(
  { database, clock }: Platform,
  nodeId: NodeId,
  gatewayId: GatewayId,
): Promise<void> {
  await database.transact(async (tx) => {
    if (!(await tx.nodes.disconnect(nodeId, gatewayId))) return
    const node = await getNode(tx, nodeId)
    if (node.health === 'online') await tx.nodes.setHealth(nodeId, 'suspect', clock.now())
    await tellState(tx, nodeId, 'its channel closed', clock.now())
  })
}

/** A node's heartbeats changed their look, as the gateway sees them that held its channel. */
export async function changeHealth(
  { database, clock }: Platform,
  nodeId: NodeId,
  health: Health,
  { reason, gatewayId }: { readonly reason: string; readonly gatewayId: GatewayId },
): Promise<void> {
  await database.transact(async (tx) => {
    const node = await tx.nodes.find(nodeId)
    if (!node || node.health === health) return
    // It speaks to another gateway by now.
    if (node.gatewayId !== undefined && node.gatewayId !== gatewayId) return
    await tx.nodes.setHealth(nodeId, health, clock.now())
    await tellState(tx, nodeId, reason, clock.now())
    if (health === 'online') tx.wake('place')
  })
}

/** The lender's policy decided anew. */
export async function changeHarvest({ database, clock }: Platform, nodeId: NodeId, harvest: Harvest): Promise<void> {
  await database.transact(async (tx) => {
    await tx.nodes.setHarvest(nodeId, harvest)
    await tellState(tx, nodeId, harvest.reasons[0] ?? 'its policy lets it work', clock.now())
    tx.wake('place')
  })
}

/** Drains, resumes, quarantines or retires a node. A retired node cannot come back; its work is taken back at once. */
export async function setNodeDuty(platform: Platform, nodeId: NodeId, duty: Duty, actor: string): Promise<FogNode> {
  const { database, clock } = platform
  return database.transact(async (tx) => {
    const before = await getNode(tx, nodeId)
    if (before.duty === 'retired') throw new NodeError({ code: 'node.retired', nodeId })
    await tx.nodes.setDuty(nodeId, duty)
    if (duty === 'retired') await takeBack(platform, tx, nodeId)
    const at = clock.now()
    await tellState(tx, nodeId, `set to ${duty} by its operator`, at)
    await tx.access.audit({ at, actor, action: 'node.duty_set', subject: nodeId, address: '', facts: { duty } })
    tx.wake('place')
    tx.wake('cancel')
    return getNode(tx, nodeId)
  })
}

async function takeBack(platform: Platform, tx: Transaction, nodeId: NodeId): Promise<void> {
  const live = await tx.jobs.listLive(nodeId)
  const at = platform.clock.now()
  const changes = live.map(({ taskId, attemptId }) => ({
    taskId,
    event: { type: 'lost', attemptId, at, why: 'its node was retired', jitter: platform.rng.next() } as const,
  }))
  await advanceTasks(platform, tx, changes)
}

async function tellState(tx: Transaction, nodeId: NodeId, reason: string, at: number): Promise<void> {
  const node = await getNode(tx, nodeId)
  const data: FogEvent['data'] = { name: node.name, state: stateOf(node), reason }
  await tx.events.append([{ type: 'node.state_changed', at, nodeId, data }])
  tx.wake('events')
}

async function getNode(tx: Transaction, nodeId: NodeId): Promise<FogNode> {
  const node = await tx.nodes.find(nodeId)
  if (!node) throw new NodeError({ code: 'node.not_found', nodeId })
  return node
}
