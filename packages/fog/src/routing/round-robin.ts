import type { Strategy } from './strategy.ts'

/** Every node in turn, in the order of ids, whatever its load: first the one after the node that had its turn last. */
export const roundRobin: Strategy = {
  // A turn is a turn: load must not reorder it.
  amongEquals: 'lowest_id',
  // Those after the last one come first.
  cost: ({ nodeId }, { lastNodeId }) => (lastNodeId === undefined || nodeId > lastNodeId ? 0 : 1),
  reason: (_, { lastNodeId }) => (lastNodeId ? `its turn comes after ${lastNodeId}` : 'the first turn'),
}
