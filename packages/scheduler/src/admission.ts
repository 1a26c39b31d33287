import type { AccountId } from '@fog/kernel'
import { coverOf, coverText, fitsInto, isHiddenFor, isSuitable } from './fits.ts'
import type { JobSpec, PrivacyLevel, RoutingStrategy } from './job.ts'
import type { NodeView } from './node-view.ts'
import { type PlacingRefusal, refusePlace, refuseTogether } from './placing-refusals.ts'
import type { Task } from './task.ts'
import { bytesText, coresText, listText } from './words.ts'

/** What this fog offers at all. */
export interface Offer {
  readonly privacy: readonly PrivacyLevel[]
  readonly routing: readonly RoutingStrategy[]
}

export type RefusalCode =
  | 'deadline'
  | 'cores'
  | 'memory'
  | 'disk'
  | 'inputs'
  | PlacingRefusal['code']
  | 'kind'
  | 'label'
  | 'together'
  | 'privacy'
  | 'routing'
  /** Its tier cannot be kept: round trips, failure domains, room, or the wait in the queue. */
  | 'latency'
  | 'domains'
  | 'headroom'
  | 'queue_wait'

export interface Refusal {
  readonly code: RefusalCode
  /** What is wrong and what to change. */
  readonly sentence: string
}

export type Admission = { readonly ok: true } | { readonly ok: false; readonly refusals: readonly Refusal[] }

/**
 * Whether this fog could ever run the job, as far as it knows: `nodes` are all that joined, offline ones too. A fog that
 * no node has joined yet refuses nothing for want of nodes.
 */
export function admit(
  spec: JobSpec,
  tasks: readonly Pick<Task, 'item' | 'inputs'>[],
  nodes: readonly NodeView[],
  offer: Offer,
): Admission {
  const own = [...refuseOffer(spec, offer), ...refuseInputs(spec, tasks)]
  // What is not offered at all needs no word on which nodes could.
  const isOffered = offer.privacy.includes(spec.privacy) && offer.routing.includes(spec.routing)
  const single =
    nodes.length === 0 ? [] : [...refuseSingly(spec, nodes), ...(isOffered ? refuseOpenly(spec, nodes) : [])]
  const canBeJoint = nodes.length > 0 && isOffered && single.length === 0
  const joint = canBeJoint ? refuseJointly(spec, tasks.length, nodes) : []
  const refusals = [...own, ...single, ...joint]
  return refusals.length === 0 ? { ok: true } : { ok: false, refusals }
}

/** How many owners have a node that could run a task of the job, by all it has, free or not. */
export function eligibleOwners(spec: JobSpec, nodes: readonly NodeView[]): number {
  return new Set(capableNodes(spec, nodes).map(({ ownerId }): AccountId => ownerId)).size
}

function capableNodes(spec: JobSpec, nodes: readonly NodeView[]): NodeView[] {
  return nodes.filter((node) => isSuitable(spec, node) && fitsInto(spec.limits, node.capacity))
}

function refuseOffer({ privacy, routing }: JobSpec, offer: Offer): Refusal[] {
  const refusals: Refusal[] = []
  if (!offer.privacy.includes(privacy)) {
    const offered = listText(offer.privacy, 'or')
    const why = privacy === 'secret' ? NO_MIXNET : NO_CIRCUITS
    refusals.push({
      code: 'privacy',
      sentence: `This fog does not offer privacy: ${privacy}, as ${why}; choose ${offered}.`,
    })
  }
  if (!offer.routing.includes(routing)) {
    const offered = listText(offer.routing, 'or')
    const why = routing === 'privacy_aware' ? `, as ${NO_MIXNET}` : ''
    refusals.push({
      code: 'routing',
      sentence: `This fog does not offer routing: ${routing}${why}; choose ${offered}.`,
    })
  }
  return refusals
}

const NO_MIXNET = 'nobody can reach it through a mixnet'
const NO_CIRCUITS = 'it needs circuits, which there are none of yet'

function refuseInputs(spec: JobSpec, tasks: readonly Pick<Task, 'item' | 'inputs'>[]): Refusal[] {
  const shared = spec.program.size + (spec.stdin?.size ?? 0) + sizeOf(spec.inputs)
  const largest = tasks.reduce((most, task) => Math.max(most, sizeOf(task.inputs)), 0)
  const wanted = shared + largest
  if (wanted <= spec.limits.diskBytes) return []
  const has = bytesText(spec.limits.diskBytes)
  const sentence = `A task's program and inputs are ${bytesText(wanted)} and it asks for ${has} of disk; raise resources.diskMiB.`
  return [{ code: 'inputs', sentence }]
}

function sizeOf(inputs: readonly { readonly size: number }[]): number {
  return inputs.reduce((sum, { size }) => sum + size, 0)
}

/** What no node has, one thing at a time. */
function refuseSingly(spec: JobSpec, nodes: readonly NodeView[]): Refusal[] {
  const most = (of: (node: NodeView) => number) => nodes.reduce((best, node) => (of(node) > of(best) ? node : best))
  const { cpuMilli, memoryBytes, diskBytes } = spec.limits
  const [fastest, widest, deepest] = [
    most(({ capacity }) => capacity.cpuMilli),
    most(({ capacity }) => capacity.memoryBytes),
    most(({ capacity }) => capacity.diskBytes),
  ]
  const refusals: Refusal[] = []
  const refuse = (code: RefusalCode, wants: string, has: string, node: NodeView, field: string) =>
    refusals.push({
      code,
      sentence: `A task asks for ${wants}; the most any node has is ${has} (${node.name}). Lower ${field}.`,
    })
  if (cpuMilli > fastest.capacity.cpuMilli) {
    refuse('cores', coresText(cpuMilli), coresText(fastest.capacity.cpuMilli), fastest, 'resources.cores')
  }
  if (memoryBytes > widest.capacity.memoryBytes) {
    const has = bytesText(widest.capacity.memoryBytes)
    refuse('memory', `${bytesText(memoryBytes)} of memory`, has, widest, 'resources.memoryMiB')
  }
  if (diskBytes > deepest.capacity.diskBytes) {
    const has = bytesText(deepest.capacity.diskBytes)
    refuse('disk', `${bytesText(diskBytes)} of disk`, has, deepest, 'resources.diskMiB')
  }
  return [...refusals, ...refuseKind(spec, nodes), ...refuseLabels(spec, nodes), ...refusePlace(spec, nodes)]
}

function refuseKind({ kind }: JobSpec, nodes: readonly NodeView[]): Refusal[] {
  if (nodes.some(({ kinds }) => kinds.includes(kind))) return []
  return [{ code: 'kind', sentence: `No node runs programs of kind ${kind}; choose another kind.` }]
}

function refuseLabels({ require }: JobSpec, nodes: readonly NodeView[]): Refusal[] {
  return Object.entries(require)
    .filter(([name, value]) => !nodes.some(({ labels }) => labels[name] === value))
    .map(([name, value]) => {
      const values = [...new Set(nodes.flatMap(({ labels }) => labels[name] ?? []))].sort()
      const known =
        values.length === 0 ? `no node has a label ${name}` : `nodes have ${listText(values.slice(0, 8), 'or')}`
      return { code: 'label', sentence: `No node has the label ${name}: ${value}; ${known}. Change require.` }
    })
}

function refuseOpenly(spec: JobSpec, nodes: readonly NodeView[]): Refusal[] {
  if (nodes.some((node) => isHiddenFor(spec, node))) return []
  const byRouting = spec.privacy === 'public'
  const asks = byRouting ? `routing: ${spec.routing}` : `privacy: ${spec.privacy}`
  const todo =
    coverOf(spec) === 'circuits'
      ? 'choose privacy: public'
      : `start a worker with FOG_WORKER_REACH=mixnet, or choose ${byRouting ? 'other routing' : 'privacy: public'}`
  const sentence = `No node is reached through ${coverText(spec)}, which ${asks} needs; ${todo}.`
  return [{ code: byRouting ? 'routing' : 'privacy', sentence }]
}

/** What no node has all at once, and what takes more owners than there are. */
function refuseJointly(spec: JobSpec, tasks: number, nodes: readonly NodeView[]): Refusal[] {
  const capable = capableNodes(spec, nodes)
  if (capable.length === 0) {
    const { cpuMilli, memoryBytes, diskBytes } = spec.limits
    const labels = Object.entries(spec.require).map(([name, value]) => `the label ${name}: ${value}`)
    const wants = [
      coresText(cpuMilli),
      `${bytesText(memoryBytes)} of memory`,
      `${bytesText(diskBytes)} of disk`,
      ...labels,
    ]
    const sentence = `No single node has ${listText(wants, 'and')} together, though each of these is there; ask for less of one.`
    return [{ code: 'together', sentence }]
  }
  const owners = new Set(capable.map(({ ownerId }) => ownerId)).size
  const { quorum } = spec.verification
  if (owners >= quorum) return refuseTogether(spec, tasks, nodes)
  const choice = owners > 1 ? `verify: none, or a quorum of ${owners}` : 'verify: none'
  const tiers = 'or a tier that asks for fewer'
  return [
    {
      code: 'owners',
      sentence: `${quorum} results from different owners must agree, and nodes of ${owners} owner${owners === 1 ? '' : 's'} can run this; choose ${choice}, ${tiers}.`,
    },
  ]
}
