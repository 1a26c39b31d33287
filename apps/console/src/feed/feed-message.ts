import type { EventView } from '@fog/contract'

/** What the control plane says on the event socket. */
export type FeedMessage =
  /** From here on everything that happens comes by itself. */
  | { readonly kind: 'ready'; readonly cursor: string }
  | { readonly kind: 'event'; readonly event: EventView }
  | { readonly kind: 'other' }

/** Reads one message. What is not understood is left alone: a newer control plane may say more. */
export function parseFeedMessage(data: unknown): FeedMessage {
  const value = readJson(data)
  if (!isEvent(value)) return { kind: 'other' }
  return value.type === 'feed.ready' ? { kind: 'ready', cursor: value.cursor } : { kind: 'event', event: value }
}

function readJson(data: unknown): unknown {
  try {
    return typeof data === 'string' ? (JSON.parse(data) as unknown) : undefined
  } catch {
    return undefined
  }
}

function isEvent(value: unknown): value is EventView {
  if (typeof value !== 'object' || value === null) return false
  const { cursor, type, at, data } = value as Record<string, unknown>
  return (
    typeof cursor === 'string' &&
    typeof type === 'string' &&
    typeof at === 'string' &&
    typeof data === 'object' &&
    data !== null
  )
}

/** Why the control plane closed the socket, as far as it matters here: codes are 4000 and the HTTP status. */
export function closeMeaning(code: number): 'token no longer good' | 'cursor no longer good' | 'lost' {
  if (code === 4401) return 'token no longer good'
  return code === 4410 || code === 4400 ? 'cursor no longer good' : 'lost'
}
