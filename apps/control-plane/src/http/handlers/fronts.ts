import type { FrontView } from '@fog/contract'
import { toRfc3339 } from '@fog/kernel'
import type { KeptFront } from '../../front-store.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'

const USUAL = 20

export function frontHandlers({ platform }: HandlerDependencies): Pick<Handlers, 'listFronts'> {
  const { database, config } = platform
  return {
    listFronts: async ({ query: { limit = USUAL } }) => {
      const fronts = await database.read.fronts.list({ limit })
      return { fronts: fronts.map(frontView), everySeconds: config.planning.everyMs / 1000 }
    },
  }
}

/** Who moved where stays inside: a front is for everyone, and tasks are their owners'. */
function frontView({ plannedAt, horizonMs, moved, ...front }: KeptFront): FrontView {
  return {
    ...front,
    plannedAt: toRfc3339(plannedAt),
    horizonSeconds: horizonMs / 1000,
    objectives: [...front.objectives],
    points: front.points.map((point) => ({ ...point, values: [...point.values], breaches: { ...point.breaches } })),
    moved: moved.length,
  }
}
