import { type Static, Type } from 'typebox'
import { strict, Timestamp } from './schemas.ts'

/** One plan on the front. */
export const FrontPointView = strict({
  values: Type.Array(Type.Number(), {
    description: 'In the order of the front’s objectives; each is better when less',
  }),
  waiting: Type.Integer({ description: 'Tasks that would go on waiting' }),
  moves: Type.Integer({ description: 'Running tasks that would go to another device' }),
  breaches: strict({
    platinum: Type.Integer(),
    gold: Type.Integer(),
    silver: Type.Integer(),
    bronze: Type.Integer(),
  }),
})
export type FrontPointView = Static<typeof FrontPointView>

/** What one re-plan found: the best plans it knows, which of them was put in force, and why. */
export const FrontView = strict({
  plannedAt: Timestamp,
  queued: Type.Integer({ description: 'Placements that waited' }),
  movable: Type.Integer({ description: 'Running tasks that might have moved' }),
  nodes: Type.Integer(),
  horizonSeconds: Type.Number({ description: 'For how long the plan was thought to hold' }),
  objectives: Type.Array(strict({ name: Type.String(), unit: Type.String() })),
  points: Type.Array(FrontPointView),
  chosen: Type.Integer({ description: 'Place in points; -1 where there was nothing to choose' }),
  why: Type.String(),
  method: Type.String(),
  seed: Type.Integer(),
  looks: Type.Integer({ description: 'Placements weighed' }),
  spentMs: Type.Number(),
  assumed: Type.Record(Type.String(), Type.Integer(), {
    description: 'Terms of devices that no label says, and for how many devices each was assumed',
  }),
  placed: Type.Integer({ description: 'Leases given: what of the plan was still true when it was ready' }),
  moved: Type.Integer({ description: 'Tasks asked to move' }),
})
export type FrontView = Static<typeof FrontView>

export const FrontsView = strict({
  fronts: Type.Array(FrontView),
  everySeconds: Type.Number({ description: 'How often it is planned anew; 0 never' }),
})
export type FrontsView = Static<typeof FrontsView>
