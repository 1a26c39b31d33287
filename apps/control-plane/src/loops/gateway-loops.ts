import { shortestLeaseMs } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import type { WakeTopic } from '../ports.ts'
import type { WorkerGateway } from '../realtime/worker-gateway.ts'
import { Loop } from './loop.ts'
import type { LoopMetrics } from './loop-metrics.ts'

/** How often heartbeats are judged, and this gateway says that it lives. */
const LOOK_EVERY_MS = 1000

/** The loops every control plane runs for the workers whose channels it holds. Resolves when the signal aborts. */
export async function runGatewayLoops(
  platform: Platform,
  { gateway, metrics }: { readonly gateway: WorkerGateway; readonly metrics: LoopMetrics },
  signal: AbortSignal,
): Promise<void> {
  const { clock, config, database } = platform
  const { loopIdleMs, leaseMs } = config.timing
  const dependencies = { clock, log: platform.log, onFault: (loop: string) => metrics.loopFault(loop) }
  const dispatch = new Loop(dependencies, { name: 'dispatch-job', idleMs: loopIdleMs }, () => gateway.dispatch())
  const renew = new Loop(dependencies, { name: 'renew-leases', idleMs: shortestLeaseMs(leaseMs) / 4 }, async () => {
    await gateway.renew()
    return 'idle'
  })
  let lookedAt = clock.now()
  let hasBeaten = false
  const look = new Loop(dependencies, { name: 'gateway-health', idleMs: LOOK_EVERY_MS }, async () => {
    const now = clock.now()
    const lagMs = Math.max(0, now - lookedAt - LOOK_EVERY_MS)
    lookedAt = now
    const wasKnown = await database.transact((tx) => tx.gateways.beat(gateway.gatewayId, now))
    // After the database was away for long: the leader took this gateway for dead, and its nodes for unreachable.
    if (hasBeaten && !wasKnown) gateway.greetAnew()
    hasBeaten = true
    await gateway.checkHealth(lagMs)
    return 'idle'
  })
  const wakes: [WakeTopic, Loop][] = [
    ['dispatch', dispatch],
    ['cancel', renew],
  ]
  const stopListening = wakes.map(([topic, loop]) => database.onWake(topic, () => loop.wake()))
  try {
    await Promise.all([dispatch, renew, look].map((loop) => loop.run(signal)))
  } finally {
    for (const stop of stopListening) stop()
  }
}
