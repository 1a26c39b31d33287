import { type Instant, toRfc3339 } from '@fog/kernel'
import type { Refusal } from './admission.ts'
import type { JobSpec, StepSpec } from './job.ts'
import { durationText } from './words.ts'

/** How long a task of a step may be expected to take; undefined where nothing like it ran before. */
export type ExpectMs = (spec: JobSpec, place: number | undefined) => number | undefined

/**
 * Why a deadline cannot be kept, as far as is known: it has passed, or the longest chain of tasks that wait for each other
 * takes longer. A task counts as long as it is expected to take, or as long as its limit lets it where nothing is known.
 */
export function deadlineRefusals(
  spec: JobSpec,
  deadlineAt: Instant | undefined,
  now: Instant,
  expectMs: ExpectMs = () => undefined,
): Refusal[] {
  if (deadlineAt === undefined) return []
  const refuse = (sentence: string): Refusal[] => [{ code: 'deadline', sentence }]
  if (deadlineAt <= now) {
    return refuse(`The deadline ${toRfc3339(deadlineAt)} has passed; choose a later one.`)
  }
  const left = deadlineAt - now
  const { ms, names, isLimit } = longestChain(spec, expectMs)
  if (ms <= left) return []
  const what = names.length > 1 ? `The steps ${names.join(', ')}, one after the other,` : 'A task'
  const may = isLimit ? 'may take' : 'takes about'
  const mend = isLimit ? 'Lower resources.wallSeconds, or give it more time.' : 'Give it more time, or less to do.'
  return refuse(`${what} ${may} ${durationText(ms)}, and the deadline is in ${durationText(left)}. ${mend}`)
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
