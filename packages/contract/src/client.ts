import type { Problem } from './schemas.ts'
import type { BodyOf, ParamsOf, QueryOf, ResponseOf, Route } from './route.ts'
import { type RouteName, routes } from './routes.ts'

/** What the control plane answered when it refused. `message` is for the person. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail || problem.title)
    this.status = problem.status
    this.code = problem.code
    this.problem = problem
  }
}

/** The control plane could not be reached at all. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

type Defined<Key extends string, Value> = [Value] extends [undefined] ? unknown : { readonly [K in Key]: Value }
type Optionally<Key extends string, Value> = [Value] extends [undefined] ? unknown : { readonly [K in Key]?: Value }

export type CallOf<R> = Defined<'params', ParamsOf<R>> &
  Optionally<'query', QueryOf<R>> &
  Defined<'body', BodyOf<R>> & {
    readonly signal?: AbortSignal
  }

export interface ClientOptions {
  /** Such as `http://localhost:7070`; empty for the page's own origin. */
  readonly baseUrl: string
  /** Asked before every call; undefined sends none. */
  readonly token?: () => Promise<string | undefined> | string | undefined
  /** Called once when a call is refused with 401; answering true tries the call again. */
  readonly onUnauthorized?: () => Promise<boolean>
  readonly fetch?: typeof fetch
}

/** A client typed by the routes themselves: `client.call('getJob', { params: { jobId } })`. */
export class Client {
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    this.#options = options
  }

  get baseUrl(): string {
    return this.#options.baseUrl
  }

  async call<Name extends RouteName>(
    name: Name,
    call: CallOf<(typeof routes)[Name]>,
  ): Promise<ResponseOf<(typeof routes)[Name]>> {
    const response = await this.raw(name, call)
    if (response.status === 204) return undefined as ResponseOf<(typeof routes)[Name]>
    return (await response.json()) as ResponseOf<(typeof routes)[Name]>
  }

  /** The answer as it comes, for content; `content` is sent as bytes. Throws `ApiError` or `Unreachable`. */
  async raw<Name extends RouteName>(
    name: Name,
    call: CallOf<(typeof routes)[Name]>,
    content?: BodyInit,
  ): Promise<Response> {
    const route: Route = routes[name]
    const given = call as { params?: Texts; query?: Texts; body?: unknown; signal?: AbortSignal }
    const url = `${this.#options.baseUrl}${pathOf(route.path, given.params)}${queryOf(given.query)}`
    const send = async () => this.#send(route, url, given, content)
    const first = await send()
    if (first.ok) return first
    if (first.status === 401 && this.#options.onUnauthorized && (await this.#options.onUnauthorized())) {
      const second = await send()
      if (second.ok) return second
      throw await problemOf(second)
    }
    throw await problemOf(first)
  }

  async #send(
    route: Route,
    url: string,
    given: { body?: unknown; signal?: AbortSignal },
    content: BodyInit | undefined,
  ): Promise<Response> {
    const token = await this.#options.token?.()
    const headers: Record<string, string> = { accept: 'application/json' }
    if (token) headers['authorization'] = `Bearer ${token}`
    if (content !== undefined) headers['content-type'] = 'application/octet-stream'
    else if (given.body !== undefined) headers['content-type'] = 'application/json'
    const body = content ?? (given.body === undefined ? undefined : JSON.stringify(given.body))
    const request: RequestInit = { method: route.method, headers, credentials: 'same-origin' }
    if (body !== undefined) request.body = body
    if (given.signal) request.signal = given.signal
    try {
      return await (this.#options.fetch ?? fetch)(url, request)
    } catch (cause) {
      if (given.signal?.aborted) throw cause
      throw new Unreachable(
        `The control plane at ${this.#options.baseUrl || 'this address'} does not answer. Is it running, and is the address right?`,
        { cause },
      )
    }
  }
}

type Texts = Readonly<Record<string, string | number | boolean | undefined>>

function pathOf(template: string, params: Texts | undefined): string {
  return template.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params?.[name] ?? '')))
}

function queryOf(query: Texts | undefined): string {
  const entries = Object.entries(query ?? {}).filter(([, value]) => value !== undefined)
  if (entries.length === 0) return ''
  return `?${new URLSearchParams(entries.map(([key, value]) => [key, String(value)])).toString()}`
}

async function problemOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '')
  try {
    const problem = JSON.parse(text) as Problem
    if (typeof problem.code === 'string') return new ApiError(problem)
  } catch {
    // Not from the control plane itself: a proxy, perhaps. Said below.
  }
  const detail = `${response.url} answered ${response.status} ${response.statusText}.`
  return new ApiError({
    type: 'about:blank',
    title: response.statusText,
    status: response.status,
    code: 'http.error',
    detail,
  })
}
