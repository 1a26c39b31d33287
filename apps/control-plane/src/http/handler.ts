import type { BodyOf, ParamsOf, QueryOf, ResponseOf, RouteName, routes } from '@fog/contract'
import type { Reach } from '@fog/fog'
import type { Access } from '../access/access.ts'
import type { KnownCaller, NodeCaller } from '../access/known-caller.ts'
import type { OpenedContent } from '../blobs/open-content.ts'
import type { IncomingContent } from '../blobs/take-content.ts'
import type { Mixnet } from '../mixnet/mixnet.ts'
import type { Platform } from '../platform.ts'
import type { RateLimiter } from './rate-limit.ts'
import type { RefreshCookie } from './refresh-cookie.ts'

/** What every handler may use. */
export interface HandlerDependencies {
  readonly platform: Platform
  readonly access: Access
  readonly limiter: RateLimiter
  /** The mixnet's directory, where this control plane keeps one. */
  readonly mixnet?: Mixnet | undefined
}

type RouteOf<Name extends RouteName> = (typeof routes)[Name]

/** A request that was let in and read: every part has the form its route asks for. */
export interface Ask<Name extends RouteName> {
  readonly params: ParamsOf<RouteOf<Name>>
  readonly query: QueryOf<RouteOf<Name>>
  readonly body: BodyOf<RouteOf<Name>>
  /** The person asking. Only where the route wants one. */
  readonly caller: KnownCaller
  /** The worker's node asking. Only where the route wants one. */
  readonly node: NodeCaller
  /** The bytes that come in. Only where the route takes raw content. */
  readonly content: IncomingContent
  readonly address: string
  /** Whether the request came by an ordinary connection or through the mixnet. */
  readonly reach: Reach
  readonly userAgent: string
  readonly cookie: RefreshCookie
}

/** Routes that answer with content instead of JSON. */
export type ContentRoute = 'getBlob' | 'getNodeBlob' | 'getMixConsensus' | 'getMixReport' | 'getMixEvidence'

export interface ContentAnswer extends OpenedContent {
  /** File name to save it under. */
  readonly name?: string | undefined
  /** Whether the address may answer with other content later; never, unless said. */
  readonly cache?: 'immutable' | 'revalidate' | undefined
}

type AnswerOf<Name extends RouteName> = Name extends ContentRoute
  ? ContentAnswer
  : [ResponseOf<RouteOf<Name>>] extends [undefined]
    ? void
    : ResponseOf<RouteOf<Name>>

export type Handler<Name extends RouteName> = (ask: Ask<Name>) => Promise<AnswerOf<Name>>

/** One handler for each route: a missing or a foreign one does not compile. */
export type Handlers = { readonly [Name in RouteName]: Handler<Name> }
