import { rank } from '@fog/fog'
import type { Route } from '@fog/scheduler'

/** Hands the scheduler the fog's routing strategies: the two know each other only here. */
export const route: Route = (strategy, candidates, { spec, submitterNetwork, lastNodeId }) => {
  const { cpuMilli, memoryBytes, diskBytes } = spec.limits
  const request = {
    wants: { cpuMilli, memoryBytes, diskBytes },
    content: [spec.program, ...spec.inputs],
    region: spec.require['region'],
    submitterNetwork,
    lastNodeId,
  }
  return rank(strategy, candidates, request).ranked
}
