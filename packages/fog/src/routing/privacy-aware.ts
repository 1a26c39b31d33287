import { leastLoaded, loadWith } from './least-loaded.ts'
import type { Strategy } from './strategy.ts'

/**
 * Only nodes reachable through circuits, and none in the submitter's own network, where both ends could be watched at
 * once. What is not known is refused: privacy that is merely likely is not given out as privacy.
 */
export const privacyAware: Strategy = {
  refusal({ circuits, networkPrefix }, { submitterNetwork }) {
    if (!circuits) return 'it cannot be reached through circuits'
    if (submitterNetwork === undefined) return "the submitter's network is not known, so it cannot be avoided"
    if (networkPrefix === undefined) return 'its network is not known'
    if (networkPrefix === submitterNetwork) return "it is in the submitter's own network"
    return undefined
  },
  cost: loadWith,
  amongEquals: 'least_loaded',
  reason: (candidate, request) => `reachable through circuits, ${leastLoaded.reason(candidate, request)}`,
}
