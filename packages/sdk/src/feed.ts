import { ApiError, type ClientOptions, type EventView, PATHS, type Problem } from '@fog/contract'
import type { Clock } from '@fog/kernel'
import { eventData, OverlongEvent } from './event-stream.ts'
import { SdkError } from './sdk-error.ts'

export interface FeedOptions extends ClientOptions {
  readonly clock: Clock
  /** Where to go on; undefined begins with what happens from now on. */
  readonly after?: string | undefined
  /** Only events of this job. */
  readonly jobId?: string | undefined
  readonly signal: AbortSignal
  /** Each time the connection stands: from then on nothing is missed. */
  readonly onOpen?: () => void
}

const RETRY_FIRST_MS = 200
const RETRY_LONGEST_MS = 5_000

/**
 * Events as they happen, over server-sent events. A broken connection is made again and goes on after the last event that
 * came. Ends with the signal; throws `ApiError` when the server refuses, `feed.ended` when what it sends is no feed.
 */
export async function* followFeed(options: FeedOptions): AsyncGenerator<EventView> {
  const { signal, clock } = options
  let { after } = options
  let failures = 0
  while (!signal.aborted) {
    try {
      const body = await open(options, after)
      for await (const data of body ? eventData(body) : []) {
        failures = 0
        const event = parseEvent(data)
        after = event.cursor ?? after
        if (event.type === 'feed.ready') options.onOpen?.()
        if (isOfTheFog(event)) yield event
      }
    } catch (fault) {
      if (signal.aborted) return
      if (isFinal(fault)) throw fault
    }
    await pause(Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** failures), clock, signal)
    failures += 1
  }
}

/** The stream, or undefined while the server is starting, busy or away: that is worth waiting for, a refusal is not. */
async function open(options: FeedOptions, after: string | undefined): Promise<AsyncIterable<Uint8Array> | undefined> {
  let response = await request(options, after)
  if (response.status === 401 && (await options.onUnauthorized?.())) {
    await response.body?.cancel()
    response = await request(options, after)
  }
  if (response.ok && response.body) return response.body
  if (response.status >= 500 || response.status === 429 || response.ok) {
    await response.body?.cancel()
    return undefined
  }
  throw await refusalOf(response)
}

async function request(options: FeedOptions, after: string | undefined): Promise<Response> {
  const { baseUrl, jobId, signal } = options
  const query = new URLSearchParams()
  if (after !== undefined) query.set('after', after)
  if (jobId !== undefined) query.set('jobId', jobId)
  const token = await options.token?.()
  const headers: Record<string, string> = { accept: 'text/event-stream' }
  if (token) headers['authorization'] = `Bearer ${token}`
  return (options.fetch ?? fetch)(`${baseUrl}${PATHS.events}?${query}`, { headers, signal })
}

async function refusalOf(response: Response): Promise<ApiError | SdkError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>
  if (typeof problem.code === 'string' && typeof problem.detail === 'string') return new ApiError(problem as Problem)
  return new SdkError({ code: 'feed.ended', why: `the server answered ${response.status}` })
}

/** What happened, or a notice of the feed about itself, which may have no cursor. */
type FeedMessage = Omit<EventView, 'cursor'> & { readonly cursor?: string }

function parseEvent(data: string): FeedMessage {
  try {
    const event = JSON.parse(data) as Partial<FeedMessage>
    const isWhole =
      typeof event.type === 'string' && (typeof event.cursor === 'string' || event.type.startsWith(NOTICE))
    if (isWhole) return event as FeedMessage
  } catch {
    // Said below.
  }
  throw new SdkError({ code: 'feed.ended', why: `it sent something that is no event: ${data.slice(0, 60)}` })
}

const NOTICE = 'feed.'

function isOfTheFog(event: FeedMessage): event is EventView {
  return !event.type.startsWith(NOTICE)
}

function isFinal(fault: unknown): boolean {
  return fault instanceof SdkError || fault instanceof ApiError || fault instanceof OverlongEvent
}

async function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch((fault: unknown) => {
    if (!signal.aborted) throw fault
  })
}
