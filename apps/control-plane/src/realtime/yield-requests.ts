import type { AttemptId, Instant, NodeId } from '@fog/kernel'
import type { Attempt } from '@fog/scheduler'
import type { WorkerChannel } from './worker-channel.ts'

const NO_REASON = 'a better tier needs its room'

/** Asks workers to make room, each attempt once by this gateway; a worker that comes back is asked again. */
export class YieldRequests {
  readonly #asked = new Map<AttemptId, WorkerChannel>()

  /** `yielding` are all that have to make room now, on whatever node. */
  ask(yielding: readonly Attempt[], channels: ReadonlyMap<NodeId, WorkerChannel>, now: Instant): void {
    for (const { attemptId, nodeId, fence, yieldBy, note } of yielding) {
      const channel = channels.get(nodeId)
      if (!channel || !channel.attempts.has(attemptId) || this.#asked.get(attemptId) === channel) continue
      this.#asked.set(attemptId, channel)
      const graceMs = Math.max(0, yieldBy! - now)
      channel.send({ type: 'preempt', attemptId, fence, graceMs, reason: (note ?? NO_REASON).slice(0, 300) })
    }
    const still = new Set(yielding.map(({ attemptId }) => attemptId))
    for (const attemptId of this.#asked.keys()) if (!still.has(attemptId)) this.#asked.delete(attemptId)
  }
}
