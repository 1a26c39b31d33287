import type { TiersView } from '@fog/contract'
import { toRfc3339 } from '@fog/kernel'
import { TIER_TERMS, type TierMeasure } from '@fog/scheduler'
import { measureTiers } from '../../flows/measure-tiers.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'
import { present } from '../present.ts'

export function tierHandlers({ platform }: HandlerDependencies): Pick<Handlers, 'listTiers'> {
  return {
    listTiers: async () => {
      const { from, to, measures, headroomCpuMilli } = await measureTiers(platform)
      return {
        from: toRfc3339(from),
        to: toRfc3339(to),
        headroomCores: headroomCpuMilli / 1000,
        tiers: measures.map(tierView),
      }
    },
  }
}

/** What nothing was measured of is left out, never zero. */
function tierView(measure: TierMeasure): TiersView['tiers'][number] {
  const { tier, started, restarts, preempted, broken } = measure
  const { queueWaitP95Ms, restartMs, latencyCapMs, runStretch, failureDomains, preempts, creditBasisPoints } =
    TIER_TERMS[tier]
  return {
    tier,
    promises: {
      ...present({ queueWaitP95Ms, restartMs, latencyMs: latencyCapMs }),
      runStretch,
      failureDomains,
      preempts: [...preempts],
      creditPercent: creditBasisPoints / 100,
    },
    started,
    queueWait: present({ p50Ms: measure.waitP50Ms, p95Ms: measure.waitP95Ms, p99Ms: measure.waitP99Ms }),
    restarts: { count: restarts, ...present({ p95Ms: measure.restartP95Ms, maxMs: measure.restartMaxMs }) },
    preempted,
    broken,
    ...present({ waitKept: waitKept(measure, queueWaitP95Ms) }),
  }
}

/** Unknown where nothing is promised, or nothing began. */
function waitKept({ waitP95Ms }: TierMeasure, boundMs: number | undefined): boolean | undefined {
  return waitP95Ms === undefined || boundMs === undefined ? undefined : waitP95Ms <= boundMs
}
