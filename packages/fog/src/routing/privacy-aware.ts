import { leastLoaded, loadWith } from './least-loaded.ts'
import type { Strategy } from './strategy.ts'

/** Behind every node that is reached through the mixnet: no node's load is near it. */
const BEHIND_CIRCUITS = 1e6

/**
 * Nodes reached through the mixnet first: where they are is not known to anybody. Else those reachable through circuits, and of
 * these none in the submitter's own network, where both ends could be watched at once. What is not known is refused: privacy that
 * is merely likely is not given out as privacy.
 */
export const privacyAware: Strategy = {
  refusal({ reach, circuits, networkPrefix }, { submitterNetwork }) {
    if (reach === 'mixnet') return undefined
    if (!circuits) return 'it is reached neither through the mixnet nor through circuits'
    if (submitterNetwork === undefined) return "the submitter's network is not known, so it cannot be avoided"
    if (networkPrefix === undefined) return 'its network is not known'
    if (networkPrefix === submitterNetwork) return "it is in the submitter's own network"
    return undefined
  },
  cost: (candidate, request) => loadWith(candidate, request) + (candidate.reach === 'mixnet' ? 0 : BEHIND_CIRCUITS),
  amongEquals: 'least_loaded',
  reason: (candidate, request) =>
    `reached through ${candidate.reach === 'mixnet' ? 'the mixnet' : 'circuits'}, ${leastLoaded.reason(candidate, request)}`,
}
