import type { DirectoryStanding } from '../directory/index.ts'
import type { SuspectedNode } from './avoidance.ts'
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
  /** Deliveries that brought nothing, as this client asked its gateways for. */
  'receivedCover',
  /** Recipients that were silent too long; packets that a link did not take. */
  'timeouts',
  'unsent',
] as const
export type CountName = (typeof COUNTS)[number]
export type ClientCounts = Record<CountName, number>

/** What a client did, for whoever runs it. */
export interface ClientReport {
  /** How it stands with the directory: whether anything can be sent, and if not, why. */
  readonly directory: DirectoryStanding
  readonly loops: LoopReport
  /** Nodes that its loops blame, and those of them that it leaves out for now. */
  readonly suspects: readonly SuspectedNode[]
  readonly counts: Readonly<ClientCounts>
  readonly incoming: Incoming['stats']
  readonly outgoing: { readonly messages: number; readonly bytes: number; readonly answers: number }
}

export function newCounts(): ClientCounts {
  return Object.fromEntries(COUNTS.map((name) => [name, 0])) as ClientCounts
}
