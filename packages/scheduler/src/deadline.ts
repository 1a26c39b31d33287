import { type Instant, toRfc3339 } from '@fog/kernel'
import type { Refusal } from './admission.ts'
import type { JobSpec, StepSpec } from './job.ts'
import { durationText } from './words.ts'

/** The least that a task of a step took before; undefined where nothing like it ran. */
export type ExpectMs = (spec: JobSpec, place: number | undefined) => number | undefined

/** How many tasks a step has, or the job where there are none, and how many of them the whole fog could run at once. */
export interface SlotsOf {
  tasks(place: number | undefined): number
  slots(place: number | undefined): number
}

const NO_SLOTS: SlotsOf = { tasks: () => 0, slots: () => 1 }

/**
 * Why a deadline cannot be kept, as far as is known: it has passed, or the longest chain of tasks that wait for each other
 * takes longer, or all tasks do though every device works on nothing else. A task counts as long as the quickest run of its program took,
 * or as long as its limit lets it where nothing is known.
 */
export function deadlineRefusals(
  spec: JobSpec,
  deadlineAt: Instant | undefined,
  now: Instant,
  expectMs: ExpectMs = () => undefined,
  slotsOf: SlotsOf = NO_SLOTS,
): Refusal[] {
  if (deadlineAt === undefined) return []
  if (deadlineAt <= now) {
    return refuse(`The deadline ${toRfc3339(deadlineAt)} has passed; choose a later one.`)
  }
  const left = deadlineAt - now
  return [...refuseChain(spec, left, expectMs), ...refuseWork(spec, left, expectMs, slotsOf)]
}

/** The longest chain of tasks that wait for each other. */
function refuseChain(spec: JobSpec, left: number, expectMs: ExpectMs): Refusal[] {
  const { ms, names, isLimit } = longestChain(spec, expectMs)
  if (ms <= left) return []
  const what = names.length > 1 ? `The steps ${names.join(', ')}, one after the other,` : 'A task'
  const may = isLimit ? 'may take' : 'took at least'
  const mend = isLimit ? 'Lower resources.wallSeconds, or give it more time.' : 'Give it more time, or less to do.'
  return refuse(
    `${what} ${may} ${durationText(ms)}${isLimit ? '' : ' whenever it ran'}, and the deadline is in ${durationText(left)}. ${mend}`,
  )
}

/** All tasks of which it is known how long they take, if every device did nothing else. */
function refuseWork(spec: JobSpec, left: number, expectMs: ExpectMs, slotsOf: SlotsOf): Refusal[] {
  const places: (number | undefined)[] = spec.steps ? [...spec.steps.keys()] : [undefined]
  let ms = 0
  for (const place of places)
    ms += ((expectMs(spec, place) ?? 0) * slotsOf.tasks(place)) / Math.max(1, slotsOf.slots(place))
  if (ms <= left) return []
  return refuse(
    `Its tasks take ${durationText(ms)} even if each is as quick as the quickest before and every device works on nothing else, and the deadline is in ${durationText(left)}. Give it more time, or less to do.`,
  )
}

function refuse(sentence: string): Refusal[] {
  return [{ code: 'deadline', sentence }]
}

interface Chain {
  readonly ms: number
  readonly names: readonly string[]
  /** Whether any of it is a limit rather than what is expected. */
  readonly isLimit: boolean
}

function longestChain(spec: JobSpec, expectMs: ExpectMs): Chain {
  const { steps } = spec
  if (!steps) {
    const expected = expectMs(spec, undefined)
    return { ms: expected ?? spec.limits.wallMs, names: [], isLimit: expected === undefined }
  }
  const known = new Map<number, Chain>()
  const chainTo = (place: number): Chain => {
    const found = known.get(place)
    if (found) return found
    const chain = longer(steps[place]!, place)
    known.set(place, chain)
    return chain
  }
  const longer = (step: StepSpec, place: number): Chain => {
    const before = longest(step.needs.map((need) => chainTo(need.step)))
    const expected = expectMs(spec, place)
    const ms = before.ms + (expected ?? step.limits.wallMs)
    return { ms, names: [...before.names, step.name], isLimit: before.isLimit || expected === undefined }
  }
  return longest(steps.map((_, place) => chainTo(place)))
}

function longest(chains: readonly Chain[]): Chain {
  return chains.reduce((most, chain) => (chain.ms > most.ms ? chain : most), { ms: 0, names: [], isLimit: false })
}
