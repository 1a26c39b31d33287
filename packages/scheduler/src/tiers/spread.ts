import type { JobId } from '@fog/kernel'
import type { Job } from '../job.ts'
import type { Dispatch } from '../job-store.ts'
import type { NodeView } from '../node-view.ts'
import type { PlanContext } from '../planner.ts'
import { hasVoice } from '../states.ts'
import type { Attempt } from '../task.ts'
import { TIER_TERMS } from '../tier.ts'
import { domainOf } from './domains.ts'

type DomainOf = (attempt: Pick<Attempt, 'nodeId' | 'ownerId'>) => string

/** Finds the failure domain of an attempt by its node; one whose node is gone counts as of its owner. */
export function domainsBy(findNode: (nodeId: Attempt['nodeId']) => NodeView | undefined): DomainOf {
  return ({ nodeId, ownerId }) => {
    const node = findNode(nodeId)
    return node ? domainOf(node) : ownerId
  }
}

/**
 * Keeps tasks of tiers that are spread over several failure domains from standing in one: the replicas of a task go to
 * as many domains as the tier asks for before two meet, and of a job's placements no domain holds more than its share.
 */
export class Spread {
  readonly #running: Map<JobId, Map<string, number>>
  readonly #domainOf: DomainOf

  constructor({ spread }: Pick<PlanContext, 'spread'>, findNode: (nodeId: Attempt['nodeId']) => NodeView | undefined) {
    this.#running = new Map([...(spread ?? [])].map(([jobId, counts]) => [jobId, new Map(counts)]))
    this.#domainOf = domainsBy(findNode)
  }

  /** The domains a task must not be placed in now; `placed` are those of its replicas that this plan placed before. */
  excluded(
    { job, attempts }: { readonly job: Job; readonly attempts: readonly Attempt[] },
    placed: readonly NodeView[],
  ): Set<string> {
    const { failureDomains } = TIER_TERMS[job.spec.tier]
    if (failureDomains < 2) return NO_DOMAINS
    const own = new Set([...attempts.filter(hasVoice).map(this.#domainOf), ...placed.map(domainOf)])
    const excluded = own.size < failureDomains ? own : new Set<string>()
    const most = Math.ceil((job.tasks * job.spec.verification.quorum) / failureDomains)
    for (const [domain, count] of this.#running.get(job.jobId) ?? []) if (count >= most) excluded.add(domain)
    return excluded
  }

  /** One of the job's tasks was placed on the node. */
  placed({ jobId, spec }: Job, node: NodeView): void {
    if (TIER_TERMS[spec.tier].failureDomains < 2) return
    const counts = this.#running.get(jobId) ?? new Map<string, number>()
    this.#running.set(jobId, counts)
    counts.set(domainOf(node), (counts.get(domainOf(node)) ?? 0) + 1)
  }
}

const NO_DOMAINS = new Set<string>()

/** What runs of each job in each domain, for `PlanContext.spread`. */
export function spreadOf(live: readonly Dispatch[], domain: DomainOf): Map<JobId, Map<string, number>> {
  const counts = new Map<JobId, Map<string, number>>()
  for (const { attempt } of live) {
    const ofJob = counts.get(attempt.jobId) ?? new Map<string, number>()
    counts.set(attempt.jobId, ofJob)
    ofJob.set(domain(attempt), (ofJob.get(domain(attempt)) ?? 0) + 1)
  }
  return counts
}
