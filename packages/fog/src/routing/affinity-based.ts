import { loadWith, percent } from './least-loaded.ts'
import type { RouteCandidate, RouteRequest, Strategy } from './strategy.ts'

/** The node that has to fetch the fewest bytes, because it has the program ready or the inputs there. */
export const affinityBased: Strategy = {
  cost: bytesToFetch,
  amongEquals: 'least_loaded',
  reason(candidate, request) {
    const missing = bytesToFetch(candidate, request)
    const all = request.content.reduce((sum, { size }) => sum + size, 0)
    if (missing === 0 && all > 0) return 'it has the program and all inputs'
    if (missing === all)
      return `it has none of the content; ${percent(loadWith(candidate, request))} full with this task`
    return `${missing} of ${all} bytes are still to be fetched`
  },
}

function bytesToFetch({ warm }: RouteCandidate, { content }: RouteRequest): number {
  let bytes = 0
  for (const { digest, size } of content) if (!warm.has(digest)) bytes += size
  return bytes
}
