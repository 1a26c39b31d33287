import type { JobId, NodeId } from '@fog/kernel'
import type { Job, JobSpec } from './job.ts'
import type { NodeView } from './node-view.ts'
import { domainOf } from './tiers/domains.ts'

/** Where tasks of a job run now: what a job that keeps its tasks apart or together has to know. */
export type Held = ReadonlyMap<JobId, readonly NodeId[]>

/** Keeps tasks of one job apart or together, as it asked, on what runs and what this plan placed. */
export class Company {
  readonly #held: Held
  readonly #nodeOf: (nodeId: NodeId) => NodeView | undefined
  readonly #taken = new Map<JobId, Set<string>>()
  readonly #placed = new Map<JobId, NodeId[]>()

  constructor(held: Held | undefined, nodeOf: (nodeId: NodeId) => NodeView | undefined) {
    this.#held = held ?? new Map()
    this.#nodeOf = nodeOf
  }

  /** Whether a node will do for the job's next task; undefined where any will. */
  keeps(job: Job): ((node: NodeView) => boolean) | undefined {
    const kind = companyOf(job.spec)
    if (!kind) return undefined
    const taken = this.#takenBy(job, kind.what)
    if (kind.how === 'apart') return (node) => !taken.has(sharedBy(kind.what, node))
    return taken.size === 0 ? undefined : (node) => taken.has(sharedBy(kind.what, node))
  }

  placed(job: Job, node: NodeView): void {
    const kind = companyOf(job.spec)
    if (!kind) return
    this.#takenBy(job, kind.what).add(sharedBy(kind.what, node))
    this.#placed.set(job.jobId, [...(this.#placed.get(job.jobId) ?? []), node.nodeId])
  }

  /** Where tasks of the job run, or were placed in this plan; only of jobs that keep theirs apart or together. */
  nodesOf({ jobId }: Job): readonly NodeId[] {
    return [...(this.#held.get(jobId) ?? []), ...(this.#placed.get(jobId) ?? [])]
  }

  #takenBy({ jobId }: Job, what: Shared): Set<string> {
    const known = this.#taken.get(jobId)
    if (known) return known
    const nodes = (this.#held.get(jobId) ?? []).map((nodeId) => this.#nodeOf(nodeId))
    const taken = new Set(nodes.flatMap((node) => (node ? [sharedBy(what, node)] : [])))
    this.#taken.set(jobId, taken)
    return taken
  }
}

export type Shared = 'node' | 'owner' | 'domain'

/** What tasks of a job must not share, or all have to; undefined where they may stand anywhere. */
export function companyOf({
  apart,
  together,
}: JobSpec): { readonly how: 'apart' | 'together'; readonly what: Shared } | undefined {
  if (apart) return { how: 'apart', what: apart }
  return together ? { how: 'together', what: together } : undefined
}

/** What tasks on this node share. */
export function sharedBy(what: Shared, node: NodeView): string {
  if (what === 'node') return node.nodeId
  return what === 'owner' ? node.ownerId : domainOf(node)
}
