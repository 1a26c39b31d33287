import { companyOf, sharedBy } from './company.ts'
import { fitsInto, isAvoided, isResident, isSuitable, residencyOf } from './fits.ts'
import { countIn } from './ground.ts'
import type { JobSpec } from './job.ts'
import type { NodeView } from './node-view.ts'
import { countText, listText } from './words.ts'

/** What no node has of where a job wants to be, and what no fog of these nodes could hold at once. */
export interface PlacingRefusal {
  readonly code: 'avoid' | 'residency' | 'gang' | 'owners'
  readonly sentence: string
}

/** A plan looks at a gang in one piece. */
export const MOST_GANG_TASKS = 1_024

/** How many values of a label a sentence names. */
const MOST_NAMED = 8

/** Where no node is that the job may go to, one thing at a time. */
export function refusePlace(spec: JobSpec, nodes: readonly NodeView[]): PlacingRefusal[] {
  return [...refuseResidency(spec, nodes), ...refuseAvoided(spec, nodes)]
}

function refuseResidency(spec: JobSpec, nodes: readonly NodeView[]): PlacingRefusal[] {
  if (nodes.some((node) => isResident(spec, node))) return []
  const known = [...new Set(nodes.flatMap((node) => residencyOf(node) ?? []))].sort().slice(0, MOST_NAMED)
  const where = known.length === 0 ? 'no node says where it is' : `nodes are in ${listText(known, 'and')}`
  const sentence = `No node is in ${listText(spec.residency!, 'or')}; ${where}. Change residency.`
  return [{ code: 'residency', sentence }]
}

function refuseAvoided(spec: JobSpec, nodes: readonly NodeView[]): PlacingRefusal[] {
  if (nodes.some((node) => !isAvoided(spec, node))) return []
  const labels = Object.entries(spec.avoid!).map(([name, value]) => `${name}: ${value}`)
  return [
    { code: 'avoid', sentence: `Every node has a label the job avoids (${listText(labels, 'or')}). Change avoid.` },
  ]
}

/** What takes more room, or more places apart, than there are even when all nodes are empty. `tasks` are those of one step at most. */
export function refuseTogether(spec: JobSpec, tasks: number, nodes: readonly NodeView[]): PlacingRefusal[] {
  const { quorum } = spec.verification
  if (spec.together && quorum > 1) {
    const sentence = `Results of ${quorum} owners must agree, which tasks that stay together cannot give; choose verify: none, or leave out together.`
    return [{ code: 'owners', sentence }]
  }
  if (!spec.gang) return []
  if (tasks > MOST_GANG_TASKS) {
    const sentence = `A gang has at most ${MOST_GANG_TASKS} tasks, and this has ${tasks}; split the job, or leave out gang.`
    return [{ code: 'gang', sentence }]
  }
  const wanted = tasks * quorum
  const room = gangRoom(spec, nodes)
  if (wanted <= room) return []
  const sentence = `All ${countText(wanted, 'run')} of the gang must begin at once; the nodes that can take them hold ${room}${companyText(spec)}. Make it fewer or smaller, or leave out gang.`
  return [{ code: 'gang', sentence }]
}

/** How many tasks of the job the nodes hold at once by all they have. */
function gangRoom(spec: JobSpec, nodes: readonly NodeView[]): number {
  const capable = nodes.filter((node) => isSuitable(spec, node) && fitsInto(spec.limits, node.capacity))
  const roomOf = ({ capacity }: NodeView) => countIn({ ...capacity, slots: Infinity }, spec.limits)
  const company = companyOf(spec)
  if (!company) return capable.reduce((sum, node) => sum + roomOf(node), 0)
  const groups = [...Map.groupBy(capable, (node) => sharedBy(company.what, node)).values()]
  if (company.how === 'apart') return groups.length
  return groups.reduce(
    (most, group) =>
      Math.max(
        most,
        group.reduce((sum, node) => sum + roomOf(node), 0),
      ),
    0,
  )
}

function companyText(spec: JobSpec): string {
  const company = companyOf(spec)
  if (!company) return ''
  return company.how === 'apart' ? `, one for each ${company.what}` : `, the largest ${company.what} of them`
}
