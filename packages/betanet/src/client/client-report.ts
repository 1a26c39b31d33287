import type { Incoming } from './incoming.ts'
import type { LoopReport } from './loop-watch.ts'

const COUNTS = [
  /** Packets of messages, of cover, of loops, and answers that left. */
  'real',
  'cover',
  'loops',
  'answers',
  /** Messages that came whole; packets of messages that were here already; packets that were not to be believed. */
  'received',
  'repeated',
  'refused',
  /** Recipients that were silent too long; packets that a link did not take. */
  'timeouts',
  'unsent',
] as const
export type CountName = (typeof COUNTS)[number]
export type ClientCounts = Record<CountName, number>

/** What a client did, for whoever runs it. */
export interface ClientReport {
  readonly loops: LoopReport
  readonly counts: Readonly<ClientCounts>
  readonly incoming: Incoming['stats']
  readonly outgoing: { readonly messages: number; readonly bytes: number; readonly answers: number }
}

export function newCounts(): ClientCounts {
  return Object.fromEntries(COUNTS.map((name) => [name, 0])) as ClientCounts
}
