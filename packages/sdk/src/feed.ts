import { type EventView, PATHS } from '@fog/contract'
import { SdkError } from './sdk-error.ts'

export interface FeedOptions {
  readonly baseUrl: string
  readonly token: () => Promise<string | undefined> | string | undefined
  /** Where to go on; undefined begins with what happens from now on. */
  readonly after?: string | undefined
  readonly jobId?: string | undefined
  readonly signal: AbortSignal
  readonly fetch?: typeof fetch
}

const MAX_LINE = 1_000_000
const RETRY_FIRST_MS = 200
const RETRY_LONGEST_MS = 5_000

/**
 * Events as they happen, over server-sent events (HTML Living Standard, section 9.2). A broken connection is made again and
 * goes on where it ended, so nothing is missed; it ends only with the signal, or when the server refuses.
 */
export async function* followFeed(options: FeedOptions): AsyncGenerator<EventView> {
  let { after } = options
  let failures = 0
  while (!options.signal.aborted) {
    try {
      for await (const event of readOnce(options, after)) {
        failures = 0
        after = event.cursor
        yield event
      }
    } catch (fault) {
      if (options.signal.aborted) return
      if (fault instanceof SdkError) throw fault
    }
    failures += 1
    await pause(Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** failures), options.signal)
  }
}

async function* readOnce(options: FeedOptions, after: string | undefined): AsyncGenerator<EventView> {
  const { baseUrl, jobId, signal } = options
  const query = new URLSearchParams()
  if (after !== undefined) query.set('after', after)
  if (jobId !== undefined) query.set('jobId', jobId)
  const token = await options.token()
  const headers: Record<string, string> = { accept: 'text/event-stream' }
  if (token) headers['authorization'] = `Bearer ${token}`
  const response = await (options.fetch ?? fetch)(`${baseUrl}${PATHS.events}?${query}`, { headers, signal })
  if (!response.ok || !response.body) {
    // A server that is starting or busy is worth waiting for; a refusal is not.
    if (response.status >= 500 || response.status === 429) return
    const problem = (await response.json().catch(() => ({}))) as { detail?: string }
    throw new SdkError({ code: 'feed.ended', why: problem.detail ?? `the server answered ${response.status}` })
  }
  for await (const data of messages(response.body)) yield JSON.parse(data) as EventView
}

/** The data of each message of an event stream; comments and other fields are left out. */
export async function* messages(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let buffer = ''
  let data: string[] = []
  for await (const chunk of body) {
    buffer += decoder.decode(chunk, { stream: true })
    if (buffer.length > MAX_LINE) throw new SdkError({ code: 'feed.ended', why: 'it sent an overlong line' })
    const lines = buffer.split(/\r\n|\n|\r/)
    buffer = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
      if (line !== '' || data.length === 0) continue
      yield data.join('\n')
      data = []
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
