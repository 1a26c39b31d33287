import { errors, importJWK, type CryptoKey, jwtVerify, SignJWT } from 'jose'
import {
  type Clock,
  fromHex,
  type Instant,
  isId,
  type NodeId,
  type Rng,
  type SessionId,
  toBase64Url,
  toHex,
  type UserId,
} from '@fog/kernel'
import { assert } from '@fog/kernel'
import { keyPairFromSeed, SEED_BYTES } from '@fog/kernel/node'
import type { Database } from '../ports.ts'
import { AccessError } from './errors.ts'

/** Short, because a copied one is good until then; log-outs and lost roles count at once, they are looked up. */
export const ACCESS_TOKEN_MS = 10 * 60_000
/** The worker's gateway sends a new one over the channel before this has passed. */
export const NODE_TOKEN_MS = 15 * 60_000

const ISSUER = 'fog'
const KEY_NAME = 'jwt-key'
type Audience = 'person' | 'node'

export interface MintedToken {
  readonly token: string
  readonly expiresAt: Instant
}

export interface PersonClaims {
  readonly userId: UserId
  readonly sessionId: SessionId
  readonly expiresAt: Instant
}

/** Signs and checks the short tokens of people and nodes: JWT (RFC 7519) with EdDSA (RFC 8037). */
export class Signer {
  readonly #secretKey: CryptoKey
  readonly #publicKey: CryptoKey
  readonly #clock: Clock

  private constructor(keys: { secretKey: CryptoKey; publicKey: CryptoKey }, clock: Clock) {
    this.#secretKey = keys.secretKey
    this.#publicKey = keys.publicKey
    this.#clock = clock
  }

  static async open(seed: Uint8Array, clock: Clock): Promise<Signer> {
    const publicJwk = { kty: 'OKP', crv: 'Ed25519', x: toBase64Url(keyPairFromSeed(seed).publicKey) }
    const secretKey = await importJWK({ ...publicJwk, d: toBase64Url(seed) }, 'EdDSA')
    const publicKey = await importJWK(publicJwk, 'EdDSA')
    assert(!(secretKey instanceof Uint8Array) && !(publicKey instanceof Uint8Array), 'OKP keys are not symmetric')
    return new Signer({ secretKey, publicKey }, clock)
  }

  mintAccessToken(userId: UserId, sessionId: SessionId): Promise<MintedToken> {
    return this.#mint('person', userId, ACCESS_TOKEN_MS, { sid: sessionId })
  }

  /** Throws `access.token_invalid` or `access.token_expired`. */
  async verifyAccessToken(token: string): Promise<PersonClaims> {
    const { sub = '', sid, exp = 0 } = await this.#verify('person', token)
    if (!isId('user', sub) || typeof sid !== 'string' || !isId('session', sid)) {
      throw new AccessError({ code: 'access.token_invalid' })
    }
    return { userId: sub, sessionId: sid, expiresAt: exp * 1000 }
  }

  /** Lets a node use the HTTP routes of its attempts. */
  mintNodeToken(nodeId: NodeId): Promise<MintedToken> {
    return this.#mint('node', nodeId, NODE_TOKEN_MS, {})
  }

  /** Throws `access.token_invalid` or `access.token_expired`. */
  async verifyNodeToken(token: string): Promise<NodeId> {
    const { sub = '' } = await this.#verify('node', token)
    if (!isId('node', sub)) throw new AccessError({ code: 'access.token_invalid' })
    return sub
  }

  async #mint(
    audience: Audience,
    subject: string,
    lifeMs: number,
    claims: Record<string, string>,
  ): Promise<MintedToken> {
    const now = Math.floor(this.#clock.now() / 1000)
    const expires = now + lifeMs / 1000
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA' })
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt(now)
      .setExpirationTime(expires)
      .sign(this.#secretKey)
    return { token, expiresAt: expires * 1000 }
  }

  async #verify(audience: Audience, token: string) {
    try {
      const { payload } = await jwtVerify(token, this.#publicKey, {
        algorithms: ['EdDSA'],
        issuer: ISSUER,
        audience,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(this.#clock.now()),
      })
      return payload
    } catch (cause) {
      const code = cause instanceof errors.JWTExpired ? 'access.token_expired' : 'access.token_invalid'
      throw new AccessError({ code }, { cause })
    }
  }
}

/** The 32 secret bytes every control plane of this fog signs with. Made by whoever starts first. */
export async function sharedSeed(database: Database, rng: Rng): Promise<Uint8Array> {
  const kept =
    (await database.read.access.kept(KEY_NAME)) ??
    (await database.transact(({ access }) => access.keep(KEY_NAME, toHex(rng.bytes(SEED_BYTES)))))
  const seed = fromHex(kept)
  assert(seed?.length === SEED_BYTES, 'the kept signing key is 32 bytes in hex')
  return seed
}
