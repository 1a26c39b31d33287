import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { type IdKind, idPattern } from '@fog/kernel'

/** Building blocks every other definition is made of. Unknown fields are refused, not dropped. */

export function strict<Properties extends TProperties>(properties: Properties, options: { description?: string } = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options })
}

export function id(kind: IdKind) {
  return Type.String({ pattern: idPattern(kind).source, description: `${kind} id` })
}

export const Timestamp = Type.String({ format: 'date-time', description: 'RFC 3339, UTC' })
export const Tokens = Type.String({
  pattern: '^-?\\d{1,15}(\\.\\d{1,6})?$',
  description: 'Tokens as a decimal text with at most six decimals',
})
export const Digest = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, hex' })
export const Fuel = Type.String({ pattern: '^\\d{1,19}$', description: 'Metered instructions, as a decimal text' })
export const Bytes = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
export const Name = Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\u0000-\\u001f\\u007f]+$' })
export const Labels = Type.Record(
  Type.String({ pattern: '^[a-z][a-z0-9_.-]{0,62}$' }),
  Type.String({ maxLength: 100 }),
  // Without it a key that does not fit the pattern would pass unchecked.
  { maxProperties: 32, additionalProperties: false },
)

export const Tier = Type.Union([
  Type.Literal('platinum'),
  Type.Literal('gold'),
  Type.Literal('silver'),
  Type.Literal('bronze'),
])
export const Privacy = Type.Union([
  Type.Literal('public'),
  Type.Literal('private'),
  Type.Literal('confidential'),
  Type.Literal('secret'),
])
export const Routing = Type.Union([
  Type.Literal('round_robin'),
  Type.Literal('least_loaded'),
  Type.Literal('affinity_based'),
  Type.Literal('proximity_based'),
  Type.Literal('privacy_aware'),
])

export const SCOPES = [
  'jobs:read',
  'jobs:write',
  'nodes:read',
  'nodes:write',
  'ledger:read',
  'ledger:write',
  'account:write',
  'admin',
] as const
/** What a key may do. `admin` is for admins only and includes the rest. */
export type Scope = (typeof SCOPES)[number]
// The union of a mapped list has no static type of its own.
export const Scope = Type.Unsafe<Scope>(Type.Union(SCOPES.map((scope) => Type.Literal(scope))))

export const BlobRef = strict({ digest: Digest, size: Bytes })
export type BlobRef = Static<typeof BlobRef>

/** RFC 9457. `code` is listed in docs/errors.md. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String({ description: 'What happened, to which thing, and what to do' }),
  facts: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  requestId: Type.Optional(Type.String()),
})
export type Problem = Static<typeof Problem>

export function page<Item extends TSchema>(item: Item) {
  return strict({
    items: Type.Array(item),
    next: Type.Optional(Type.String({ description: 'Give it as `after` for the next page' })),
  })
}

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
  after: Type.Optional(Type.String({ maxLength: 100 })),
}
