import type { Route } from '@fog/contract'
import { bearerOf, knowCaller, knowNode, needScope } from '../access/caller.ts'
import type { Access } from '../access/access.ts'
import { AccessError } from '../access/errors.ts'
import type { KnownCaller, NodeCaller } from '../access/known-caller.ts'
import type { Platform } from '../platform.ts'
import { addressKey, type RateLimiter } from './rate-limit.ts'

/** Tokens a minute that may turn out wrong from one address; beyond that none is looked at. */
const WRONG_TOKENS_PER_MINUTE = 60

/** Who was let in. Neither is known at an open door. */
export interface LetIn {
  readonly caller?: KnownCaller
  readonly node?: NodeCaller
}

export interface Knock {
  /** Names the route's own limit. */
  readonly name: string
  readonly route: Pick<Route, 'access' | 'perMinute'>
  /** The `Authorization` header. */
  readonly authorization: string | undefined
  readonly address: string
}

export interface DoorDependencies {
  readonly platform: Platform
  readonly access: Access
  readonly limiter: RateLimiter
}

/** Decides who may come in: known, allowed, and not too often. */
export class Door {
  readonly #platform: Platform
  readonly #access: Access
  readonly #limiter: RateLimiter

  constructor({ platform, access, limiter }: DoorDependencies) {
    this.#platform = platform
    this.#access = access
    this.#limiter = limiter
  }

  /** Throws an `AccessError`, or `http.too_many_requests`. */
  async letIn({ name, route, authorization, address }: Knock): Promise<LetIn> {
    const from = addressKey(address)
    if (route.access === 'open') {
      this.#count(name, route, `address ${from}`)
      return {}
    }
    const token = bearerOf(authorization)
    if (token === undefined) {
      this.#count(name, route, `address ${from}`)
      throw new AccessError({ code: 'access.login_needed' })
    }
    const known = await this.know(token, address, route.access === 'node' ? 'node' : 'person')
    this.#count(name, route, known.node ? `node ${known.node.nodeId}` : `user ${known.caller!.userId}`)
    if (known.caller) needAccess(known.caller, route.access)
    return known
  }

  /** Whose token it is. From an address with many wrong ones none is looked at for a while. */
  async know(token: string, address: string, who: 'person' | 'node'): Promise<LetIn> {
    const key = `wrong tokens ${addressKey(address)}`
    this.#limiter.refuse(key, WRONG_TOKENS_PER_MINUTE)
    try {
      if (who === 'node') return { node: await knowNode(this.#access, token, address) }
      return { caller: await knowCaller(this.#platform, this.#access, token, address) }
    } catch (fault) {
      // Expired ones come from honest clients every few minutes.
      if (fault instanceof AccessError && fault.code === 'access.token_invalid') {
        this.#limiter.take(key, WRONG_TOKENS_PER_MINUTE)
      }
      throw fault
    }
  }

  #count(name: string, { perMinute }: Knock['route'], who: string): void {
    if (perMinute === undefined) this.#limiter.take(`any ${who}`, this.#platform.config.limits.requestsPerMinute)
    else this.#limiter.take(`${name} ${who}`, perMinute)
  }
}

function needAccess(caller: KnownCaller, access: Route['access']): void {
  if (access === 'session') {
    if (caller.by !== 'session') throw new AccessError({ code: 'access.session_needed' })
  } else if (access !== 'open' && access !== 'node') {
    needScope(caller, access)
  }
}
