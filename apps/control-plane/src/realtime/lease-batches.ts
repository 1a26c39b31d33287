import type { LeaseMessage } from '@fog/contract'

/** Inputs in one message: with paths as long as they may be, still well below the 16 MiB that a worker takes. */
const MOST_INPUTS = 20_000

/** Leases in as many messages as they need, in order: tasks that gather what many others left have very many inputs. */
export function leaseBatches(leases: readonly LeaseMessage[]): LeaseMessage[][] {
  const batches: LeaseMessage[][] = []
  let room = 0
  for (const lease of leases) {
    if (batches.length === 0 || lease.inputs.length > room) {
      batches.push([])
      room = MOST_INPUTS
    }
    batches.at(-1)!.push(lease)
    room -= lease.inputs.length
  }
  return batches
}
