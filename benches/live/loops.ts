import { systemClock } from '@fog/kernel/node'
import { Batcher } from '../../apps/control-plane/src/loops/batcher.ts'
import { Loop } from '../../apps/control-plane/src/loops/loop.ts'
import { type Heard, hearWorkers, type Saying } from '../../apps/control-plane/src/flows/accept-result.ts'
import { PreemptionGate, preemptTasks } from '../../apps/control-plane/src/flows/preempt-tasks.ts'
import { settleJobs } from '../../apps/control-plane/src/flows/settle-job.ts'
import type { Sent, SmallFog } from '../../apps/control-plane/src/flows/testing/small-fog.ts'
import { SILENT_LOG } from '../../apps/control-plane/src/platform.ts'
import type { WakeTopic } from '../../apps/control-plane/src/ports.ts'

const IDLE_MS = 1_000
/** As many as a gateway takes in together. */
const HEARD_TOGETHER = 512

export type Say = (saying: Saying) => Promise<Heard>

/** What the devices do with the loops around them. */
export interface Devices {
  /** Leases have come to a device; it may say something of each, now or later. */
  leased(sent: readonly Sent[], say: Say): void
  settled(jobs: number): void
  /** What is submitted meanwhile. */
  submit(): Promise<void>
}

/**
 * Placing, sending, taking in and settling side by side in loops, each woken by what the others committed, as in a control
 * plane. The fog's clock follows real time. Resolves when the signal aborts; whatever fails ends all.
 */
export async function runLoops(fog: SmallFog, devices: Devices, signal: AbortSignal): Promise<void> {
  const { platform } = fog
  const faults: unknown[] = []
  const over = new AbortController()
  const fail = (fault: unknown) => {
    faults.push(fault)
    over.abort()
  }
  const log = { ...SILENT_LOG, error: (facts: object) => fail('err' in facts ? facts.err : facts) }
  const dependencies = { clock: systemClock, log }
  const heard = new Batcher<Saying, Heard>(
    dependencies,
    { gatherMs: platform.config.timing.groupCommitMs, maxBatch: HEARD_TOGETHER, maxWaiting: 100_000 },
    (sayings) => hearWorkers(platform, sayings),
  )
  const say: Say = async (saying) => (await heard.add(saying)) ?? 'ignored'
  const gate = new PreemptionGate()
  const steps: Record<string, { wakenBy: WakeTopic; step: () => Promise<'more' | 'idle'> }> = {
    place: {
      wakenBy: 'place',
      step: async () => {
        const { next } = await fog.place()
        if (next === 'idle') await preemptTasks(platform, fog.round, gate)
        return next
      },
    },
    dispatch: {
      wakenBy: 'dispatch',
      step: async () => {
        const sent = await fog.dispatch()
        devices.leased(sent, say)
        return sent.length > 0 ? 'more' : 'idle'
      },
    },
    settle: {
      wakenBy: 'settle',
      step: async () => {
        const { next, count } = await settleJobs(platform)
        devices.settled(count)
        return next
      },
    },
  }
  let at = performance.now()
  const following = setInterval(() => {
    const passed = Math.floor(performance.now() - at)
    at += passed
    fog.clock.advance(passed)
  }, 1)
  const end = AbortSignal.any([signal, over.signal])
  const stops: (() => void)[] = []
  const runs = Object.entries(steps).map(([name, { wakenBy, step }]) => {
    const loop = new Loop(dependencies, { name, idleMs: IDLE_MS }, step)
    stops.push(platform.database.onWake(wakenBy, () => loop.wake()))
    return loop.run(end)
  })
  try {
    await devices.submit().catch(fail)
    await Promise.all(runs)
    await heard.drain()
  } finally {
    clearInterval(following)
    for (const stop of stops) stop()
  }
  if (faults.length > 0) throw faults[0]
}
