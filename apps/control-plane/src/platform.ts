import type { AccountId, Clock, Rng, UserId } from '@fog/kernel'
import type { Scope } from '@fog/contract'
import type { Config } from './config.ts'
import type { BlobStore, Database, Role } from './ports.ts'

/** What every flow is handed. Made in `compose.ts`; tests make the same of memory stores and a manual clock. */
export interface Platform {
  readonly database: Database
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly rng: Rng
  readonly config: Pick<Config, 'limits' | 'planning' | 'prices' | 'tiers' | 'timing'>
  readonly log: Log
  /** Whether this control plane can be reached through a mixnet, and so offers secret jobs; not, unless said. */
  readonly hasMixnet?: boolean | undefined
}

/** What one step of a flow that works in batches did. */
export interface Batch {
  /** Whether there may be more to do at once. */
  readonly next: 'more' | 'idle'
  readonly count: number
}

/** Structured logging, as pino does it. Secrets never go in. */
export interface Log {
  debug(facts: object, text: string): void
  info(facts: object, text: string): void
  warn(facts: object, text: string): void
  error(facts: object, text: string): void
}

/** Says nothing: for simulations, benches and tests. */
export const SILENT_LOG: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** Who is asking, once known. */
export interface Caller {
  readonly userId: UserId
  readonly name: string
  readonly accountId: AccountId
  readonly role: Role
  readonly scopes: ReadonlySet<Scope>
  /** How they proved it. */
  readonly by: 'session' | 'token'
  readonly address: string
}
