import type { Static, TObject, TSchema } from 'typebox'
import type { Scope } from './schemas.ts'

/**
 * A route is data: server, client, CLI and console all read the one definition.
 *
 * `access` says who may call it: `open` needs nothing; a scope needs a log-in or an API token that has it; `session` needs
 * a log-in by password, because it changes keys; `node` needs a worker's channel token.
 */
export interface Route<
  Params extends TObject | undefined = TObject | undefined,
  Query extends TObject | undefined = TObject | undefined,
  Body extends TSchema | undefined = TSchema | undefined,
  Response extends TSchema | undefined = TSchema | undefined,
> {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly summary: string
  readonly access: 'open' | 'session' | 'node' | Scope
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  /** Raw bytes in either direction; then `body` or `response` is left out. */
  readonly raw?: 'request' | 'response'
  readonly response?: Response
  /** Status of the good answer; 200 unless said. */
  readonly status?: 200 | 201 | 202 | 204
  /** Most requests a minute from one caller; the server's default unless said. */
  readonly perMinute?: number
}

export function route<
  const Params extends TObject | undefined = undefined,
  const Query extends TObject | undefined = undefined,
  const Body extends TSchema | undefined = undefined,
  const Response extends TSchema | undefined = undefined,
>(definition: Route<Params, Query, Body, Response>): Route<Params, Query, Body, Response> {
  return definition
}

type Of<Schema> = Schema extends TSchema ? Static<Schema> : undefined

export type ParamsOf<R> = R extends Route<infer P, infer _Q, infer _B, infer _R> ? Of<P> : never
export type QueryOf<R> = R extends Route<infer _P, infer Q, infer _B, infer _R> ? Of<Q> : never
export type BodyOf<R> = R extends Route<infer _P, infer _Q, infer B, infer _R> ? Of<B> : never
export type ResponseOf<R> = R extends Route<infer _P, infer _Q, infer _B, infer Answer> ? Of<Answer> : never
