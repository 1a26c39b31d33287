import { toBase32 } from './bytes.ts'
import type { Rng } from './chance.ts'
import type { Instant } from './clock.ts'
import { FogError } from './errors.ts'

declare const kindOf: unique symbol
/** `prefix_` and 26 base32 characters: 48 bits of time, then 80 of chance, so ids sort by age. */
export type Id<Kind extends IdKind> = string & { readonly [kindOf]: Kind }

const PREFIXES = {
  job: 'job',
  task: 'task',
  attempt: 'att',
  node: 'node',
  account: 'acct',
  hold: 'hold',
  transfer: 'xfer',
  user: 'user',
  token: 'tok',
  session: 'sess',
  joinToken: 'join',
  gateway: 'gate',
  schedule: 'sched',
} as const

export type IdKind = keyof typeof PREFIXES

export type JobId = Id<'job'>
export type TaskId = Id<'task'>
export type AttemptId = Id<'attempt'>
export type NodeId = Id<'node'>
export type AccountId = Id<'account'>
export type HoldId = Id<'hold'>
export type TransferId = Id<'transfer'>
export type UserId = Id<'user'>
export type TokenId = Id<'token'>
export type SessionId = Id<'session'>
export type JoinTokenId = Id<'joinToken'>
export type GatewayId = Id<'gateway'>
export type ScheduleId = Id<'schedule'>

export class IdError extends FogError<{ code: 'id.malformed'; kind: IdKind; text: string }> {
  static override readonly texts = {
    'id.malformed': {
      says: '"{text}" is not a {kind} id.',
      fix: 'Copy the whole id: a prefix, an underscore and 26 characters.',
    },
  }
}

/** A new id: sortable by `now`, unguessable by `rng`. */
export function newId<Kind extends IdKind>(kind: Kind, now: Instant, rng: Rng): Id<Kind> {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, Math.floor(now / 0x1_0000_0000))
  view.setUint32(2, now % 0x1_0000_0000)
  bytes.set(rng.bytes(10), 6)
  return `${PREFIXES[kind]}_${toBase32(bytes)}` as Id<Kind>
}

/** Reads an id from outside. Inside the platform a typed id is never checked again. */
export function parseId<Kind extends IdKind>(kind: Kind, text: string): Id<Kind> {
  if (!isId(kind, text)) throw new IdError({ code: 'id.malformed', kind, text: text.slice(0, 80) })
  return text
}

export function isId<Kind extends IdKind>(kind: Kind, text: string): text is Id<Kind> {
  return text.length === PREFIXES[kind].length + 27 && idPattern(kind).test(text)
}

/** The form of an id as a regular expression, for schemas. */
export function idPattern(kind: IdKind): RegExp {
  return new RegExp(`^${PREFIXES[kind]}_[0-9a-z]{26}$`)
}

/** An account the platform itself owns, the same in every fog: `systemAccount('escrow')`. */
export function systemAccount(name: string): AccountId {
  return `acct_${name.padStart(26, '0')}` as AccountId
}
