import { ApiError, Client, type MixnetView, type MixNodeView, Unreachable } from '@fog/contract'
import { MAX_CONSENSUS_BYTES, MAX_REPORT_BYTES } from '@fog/betanet/directory'
import type { DirectoryAccess } from '@fog/betanet/node'
import { type Clock, type Instant, type Rng, toHex } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { backoffMs } from '../retry.ts'
import { MixError, whyOf } from './mix-error.ts'

/** A directory that is asked in vain is left alone this long, doubling. */
const BACKOFF = { firstMs: 250, mostMs: 30_000 } as const
const MOST_JSON_BYTES = 1024 * 1024
const SECOND_MS = 1_000

export interface HttpDirectoryOptions {
  readonly urls: readonly string[]
  /** Of one request, from the first byte to the last. */
  readonly timeoutMs: number
  /** What a request may be ended by beside that. */
  readonly signal?: AbortSignal | undefined
  readonly fetch?: typeof fetch
}

interface Site {
  readonly url: string
  readonly client: Client
  /** Of the newest consensus it gave: asked again, it need not send it again. */
  etag: string | undefined
  failures: number
  /** Not asked before. */
  retryAt: Instant
  /** Hash of the newest descriptor and report it has. */
  readonly has: Set<string>
}

/**
 * The directory by HTTP, at one control plane or several. Every wait is bounded and so is every answer; one that fails is asked
 * ever more seldom. None of them is believed: documents are signed.
 */
export class HttpDirectory implements DirectoryAccess {
  readonly #clock: Clock
  readonly #rng: Rng
  readonly #options: HttpDirectoryOptions
  readonly #sites: readonly Site[]
  #clockAheadMs = 0

  constructor({ clock, rng }: { readonly clock: Clock; readonly rng: Rng }, options: HttpDirectoryOptions) {
    this.#clock = clock
    this.#rng = rng
    this.#options = options
    this.#sites = options.urls.map((url) => {
      const site: Site = {
        url,
        client: new Client({ baseUrl: url, fetch: (input, init) => this.#fetch(site, input, init) }),
        etag: undefined,
        failures: 0,
        retryAt: 0,
        has: new Set(),
      }
      return site
    })
  }

  /** How far this machine's clock is ahead of the one of the control plane asked last, at least. Nobody believes it: for people. */
  get clockAheadMs(): number {
    return this.#clockAheadMs
  }

  /** For people. */
  get address(): string {
    return this.#options.urls.join(', ')
  }

  /** Each control plane keeps what it is given, so each is given it; one that has it is not asked again. */
  publish(descriptor: Uint8Array): Promise<void> {
    return this.#give('publishMixDescriptor', descriptor)
  }

  report(bytes: Uint8Array): Promise<void> {
    return this.#give('reportMixTraffic', bytes)
  }

  /** The newest consensus unless it was given before, or that of an epoch; undefined where there is none. */
  async consensus(epoch?: number): Promise<Uint8Array | undefined> {
    return this.#first(async (site, signal) => {
      try {
        const query = epoch === undefined ? {} : { epoch }
        const answer = await site.client.raw('getMixConsensus', { query, signal })
        const bytes = await readBounded(answer, MAX_CONSENSUS_BYTES)
        if (epoch === undefined) site.etag = answer.headers.get('etag') ?? undefined
        return bytes
      } catch (fault) {
        const isThere = fault instanceof ApiError && (fault.status === 304 || fault.code === 'mixnet.no_consensus')
        if (isThere) return undefined
        throw fault
      }
    })
  }

  /** The signed report of a node and epoch; undefined where there is none. */
  reportOf(epoch: number, identityKey: string): Promise<Uint8Array | undefined> {
    return this.#first(async ({ client }, signal) => {
      try {
        const params = { epoch: String(epoch), identityKey }
        return await readBounded(await client.raw('getMixReport', { params, signal }), MAX_REPORT_BYTES)
      } catch (fault) {
        if (fault instanceof ApiError && fault.code === 'mixnet.report_not_found') return undefined
        throw fault
      }
    })
  }

  /** The rules that a control plane tells. */
  rules(): Promise<MixnetView> {
    return this.#first(async ({ client }, signal) => {
      const answer = await client.raw('getMixnet', { signal })
      return JSON.parse(Buffer.from(await readBounded(answer, MOST_JSON_BYTES)).toString()) as MixnetView
    })
  }

  /** Admits a node by a join token, at every control plane. */
  async join(body: JoinBody): Promise<MixNodeView> {
    const [first, ...others] = this.#sites
    const answer = await this.#timely((signal) => first!.client.call('joinMixNode', { body, signal }))
    for (const { client } of others) await this.#timely((signal) => client.call('joinMixNode', { body, signal }))
    return answer
  }

  async #give(route: 'publishMixDescriptor' | 'reportMixTraffic', bytes: Uint8Array): Promise<void> {
    const digest = toHex(sha256(bytes))
    const faults: unknown[] = []
    for (const site of this.#sites) {
      if (site.has.has(digest)) continue
      try {
        await this.#ask(site, async (signal) => {
          const answer = await site.client.raw(route, { signal }, new Uint8Array(bytes))
          await answer.body?.cancel()
        })
        site.has.add(digest)
        if (site.has.size > 16) site.has.delete(site.has.values().next().value!)
      } catch (fault) {
        faults.push(fault)
      }
    }
    if (faults.length > 0) throw faults[0]
  }

  /** The first answer there is, asking those first that did not fail lately. */
  async #first<T>(work: (site: Site, signal: AbortSignal) => Promise<T>): Promise<T> {
    const order = this.#sites.toSorted((a, b) => a.failures - b.failures)
    let fault: unknown
    for (const site of order) {
      try {
        return await this.#ask(site, (signal) => work(site, signal))
      } catch (each) {
        fault ??= each
      }
    }
    throw fault
  }

  async #ask<T>(site: Site, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const now = this.#clock.now()
    if (now < site.retryAt) throw silent(site.url, `it is asked again in ${Math.ceil(site.retryAt - now)} ms`)
    try {
      const answer = await this.#timely(work)
      site.failures = 0
      return answer
    } catch (fault) {
      // A refusal is an answer; only what may pass is waited for.
      if (fault instanceof ApiError && fault.status < 500 && fault.status !== 429) {
        site.failures = 0
        throw fault
      }
      site.failures += 1
      site.retryAt = this.#clock.now() + backoffMs(site.failures, BACKOFF, this.#rng)
      if (fault instanceof ApiError || fault instanceof Unreachable) throw fault
      throw silent(site.url, whyOf(fault), fault)
    }
  }

  #timely<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal, timeoutMs } = this.#options
    const timeout = AbortSignal.timeout(timeoutMs)
    return work(signal ? AbortSignal.any([signal, timeout]) : timeout)
  }

  async #fetch({ etag }: Site, input: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    const isNewest = typeof input === 'string' && input.endsWith('/v1/mixnet/consensus')
    if (etag !== undefined && isNewest) headers.set('if-none-match', etag)
    const askedAt = this.#clock.now()
    const answer = await (this.#options.fetch ?? fetch)(input, { ...init, headers })
    this.#noteTime(Date.parse(answer.headers.get('date') ?? ''), askedAt)
    return answer
  }

  /** `told` is cut off to seconds, and was said at some time between asking and now: what is not sure is no difference. */
  #noteTime(told: Instant, askedAt: Instant): void {
    if (Number.isNaN(told)) return
    const [atLeast, atMost] = [askedAt - told - SECOND_MS, this.#clock.now() - told]
    this.#clockAheadMs = atLeast > 0 ? atLeast : Math.min(0, atMost)
  }
}

export interface JoinBody {
  readonly joinToken: string
  readonly identityKey: string
  readonly proof: string
  readonly name: string
  readonly operator?: string
}

function silent(url: string, why: string, cause?: unknown): MixError {
  return new MixError({ code: 'mix.directory_silent', url, why: why.endsWith('.') ? why : `${why}.` }, { cause })
}

/** The answer's bytes; one that is longer than it may be is not read to its end. */
async function readBounded(answer: Response, mostBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of answer.body ?? []) {
    size += part.length
    if (size > mostBytes) throw new Error(`its answer is longer than ${mostBytes} bytes`)
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}
