import type { RouteCandidate, RouteRequest, Strategy } from './strategy.ts'

/** Round trips this close to each other count as equal, so that noise does not decide where load should. */
const LATENCY_STEP_MS = 5

/** Behind every node of the same region whose round trip was measured. */
const UNMEASURED = 1e9
const OTHER_REGION = 1e12

/** The nearest node: the asked region first, then the shortest measured round trip. What was never measured comes last. */
export const proximityBased: Strategy = {
  amongEquals: 'least_loaded',
  cost(candidate, request) {
    const distance = candidate.latencyMs === undefined ? UNMEASURED : Math.floor(candidate.latencyMs / LATENCY_STEP_MS)
    return isInRegion(candidate, request) ? distance : OTHER_REGION + distance
  },
  reason(candidate, request) {
    const { latencyMs, labels } = candidate
    const trip = latencyMs === undefined ? 'round trip not measured yet' : `round trip ${latencyMs.toFixed(1)} ms`
    if (request.region === undefined) return trip
    return isInRegion(candidate, request)
      ? `in ${request.region}, ${trip}`
      : `in ${labels['region'] ?? 'no region'}, ${trip}`
  },
}

/** Without an asked region all nodes are in it. */
function isInRegion({ labels }: RouteCandidate, { region }: RouteRequest): boolean {
  return region === undefined || labels['region'] === region
}
