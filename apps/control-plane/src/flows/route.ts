import { choose } from '@fog/fog'
import type { Route } from '@fog/scheduler'

/** Hands the scheduler the fog's routing strategies: the two know each other only here. It takes the best one only. */
export const route: Route = (strategy, candidates, { spec, inputs, submitterNetwork, lastNodeId }) => {
  const { cpuMilli, memoryBytes, diskBytes } = spec.limits
  const best = choose(strategy, candidates, {
    wants: { cpuMilli, memoryBytes, diskBytes },
    content: [spec.program, ...spec.inputs, ...inputs],
    region: spec.require['region'],
    submitterNetwork,
    lastNodeId,
  })
  return best ? [best] : []
}
