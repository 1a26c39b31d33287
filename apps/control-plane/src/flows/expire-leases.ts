import type { GatewayId, Instant } from '@fog/kernel'
import type { Batch, Platform } from '../platform.ts'
import { advanceTasks } from './advance-tasks.ts'

const MOST = 256

/**
 * Takes back what nobody renews: the task returns to the queue, or fails when its attempts are used up. Expiry frees
 * work, suspicion never does.
 */
export async function expireLeases(platform: Platform): Promise<Batch> {
  const { database, clock, rng } = platform
  return database.transact(async (tx) => {
    const now = clock.now()
    const expired = await tx.jobs.listExpired(now, MOST)
    if (expired.length === 0) return { next: 'idle', count: 0 }
    const changes = expired.map(({ taskId, attemptId, leaseExpiresAt }) => ({
      taskId,
      event: { type: 'lost', attemptId, at: now, why: lateBy(now - leaseExpiresAt), jitter: rng.next() } as const,
    }))
    await advanceTasks(platform, tx, changes)
    return { next: expired.length === MOST ? 'more' : 'idle', count: expired.length }
  })
}

function lateBy(ms: number): string {
  return `its node was not heard of until the lease ended ${(ms / 1000).toFixed(1)} s ago`
}

/** Nodes whose gateway is gone are unreachable until they come back; their leases run out by themselves. */
export async function dropSilentGateways(platform: Platform): Promise<GatewayId[]> {
  const { database, clock, config } = platform
  const before: Instant = clock.now() - config.timing.gatewayLostMs
  const silent = await database.read.gateways.listSilent(before)
  for (const gatewayId of silent) {
    await database.transact(async (tx) => {
      const at = clock.now()
      for (const node of await tx.nodes.listByGateway([gatewayId])) {
        if (!(await tx.nodes.disconnect(node.nodeId, gatewayId))) continue
        await tx.nodes.setHealth(node.nodeId, 'unreachable', at)
        const data = { name: node.name, state: 'unreachable', reason: 'its control plane was lost' }
        await tx.events.append([{ type: 'node.state_changed', at, nodeId: node.nodeId, data }])
      }
      await tx.gateways.remove(gatewayId)
      tx.wake('events')
    })
  }
  return silent
}
