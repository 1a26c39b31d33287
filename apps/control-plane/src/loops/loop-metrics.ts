import type { Tier } from '@fog/scheduler'

/** What the loops tell of what they did: counted after the commit, so that only what holds is counted. */
export interface LoopMetrics {
  placed(tasks: readonly { readonly tier: Tier; readonly waitedMs: number }[], tookMs: number): void
  loopFault(loop: string): void
  leads(isLeader: boolean): void
}
