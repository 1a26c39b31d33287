import type { Rng } from '@fog/kernel'
import type { Arrangement } from './arrangement.ts'
import { Descent } from './descent.ts'
import type { Direction } from './direction.ts'
import type { Member } from './archive.ts'
import { capacityPrices, placeByPrice } from './prices.ts'
import { Reassignment } from './reassignment.ts'
import { orderTasks } from './rules.ts'

/** Pair costs priced for the bound at most: a fraction of a second. */
const MOST_PRICED = 20_000_000
const MOST_ROUNDS = 400

/** A step up is as high as this share of a task's mean, on average. */
const SLACK = 0.02

/** Questions a task without a better arrangement before steps up get higher, and how high they get. */
const PATIENCE = 20
const WIDEST = 5

/**
 * All effort in one direction, without end: capacity prices, an arrangement built on them, then small questions answered
 * exactly one after the other. A node-by-node answer that has to be a little worse is taken now and then, to leave a
 * valley. `onStep` hears of each change; every yield is a rest. Begins from the better of `start` and its own.
 */
export function* intensify(
  at: Arrangement,
  direction: Direction,
  start: Member,
  rng: Rng,
  onStep: () => void,
): Generator<void, never> {
  const { model } = at
  const known = direction.sumOf(start.values)
  const order = orderTasks(model, 'size')
  const rounds = Math.min(MOST_ROUNDS, Math.ceil(MOST_PRICED / Math.max(1, model.tasks * model.nodes)))
  const { prices, bound } = capacityPrices(direction, known, rounds)
  yield
  const descent = new Descent(at, rng, onStep)
  placeByPrice(at, direction, prices, order)
  descent.settle(direction, order, 4)
  if (direction.valueOf(at.totals) > known) at.load(start.nodeOf)
  onStep()
  yield
  const reassignment = new Reassignment(at, direction, prices, rng)
  const usual = Math.max((SLACK * Math.abs(bound)) / Math.max(1, order.length), 0.7 * reassignment.grain)
  let best = { value: direction.valueOf(at.totals), nodeOf: at.nodeOf.slice() }
  let slack = usual
  let since = 0
  for (;;) {
    if (reassignment.try(rng.next() < 0.5 ? 0 : -Math.log(1 - rng.next()) * slack)) onStep()
    const value = direction.valueOf(at.totals)
    since += 1
    if (value < best.value - reassignment.grain / 2 - 1e-12) {
      best = { value, nodeOf: at.nodeOf.slice() }
      slack = usual
      since = 0
    } else if (since > PATIENCE * model.tasks) {
      // Wider and wider steps up; when even those find nothing, from the best again.
      slack = slack < WIDEST * usual ? slack * 1.5 : usual
      if (slack === usual) at.load(best.nodeOf)
      since = 0
    }
    yield
  }
}
