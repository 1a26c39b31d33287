import { FairQueue } from './fair-queue.ts'
import { Filling } from './filling.ts'
import type { Placement, Planner, Waiting } from './planner.ts'

/**
 * The fast path: places a window of the queue greedily, tier by tier and fairly between accounts, gangs whole or not at
 * all. Pure; the same question has the same answer.
 *
 * Nodes are never looked at for each task. They are indexed once for each sort of node the window asks for (labels, round
 * trip, routing): O(nodes x sorts). A task then costs its candidates and O(log accounts). A shape of task (cores, memory,
 * disk) for which that index finds nothing among a few dozen nodes gets one of its own, once: O(nodes) for each scarce
 * shape. A gang costs O(nodes), and so does a reservation, of which a plan makes one. Round trips not yet measured count as
 * within a tier's cap only while no open node with a measured one can hold the task.
 */
export const plan: Planner = (queue, nodes, context) => {
  const filling = new Filling(nodes, context)
  const placements: Placement[] = []
  const waiting: Waiting[] = []
  for (const { unit, serve } of new FairQueue(queue, context.inUse ?? new Map(), context.now).turns()) {
    const outcomes = filling.placeUnit(unit)
    let served = 0
    for (const [i, { task, job }] of unit.entries()) {
      const { nodeIds, reason } = outcomes[i]!
      for (const nodeId of nodeIds) placements.push({ taskId: task.taskId, nodeId })
      if (reason) waiting.push({ taskId: task.taskId, reason })
      served += nodeIds.length * job.spec.limits.cpuMilli
    }
    serve(served)
  }
  const { lastNodeId, reservation } = filling
  return { placements, waiting, lastNodeId, ...(reservation && { reservation }) }
}
