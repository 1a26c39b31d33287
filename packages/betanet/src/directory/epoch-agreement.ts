import { equalBytes, toHex } from '@fog/kernel'
import type { AggregateOutcome, Ground } from './aggregate.ts'
import type { AuthorityMessage, SignatureMessage } from './authority-message.ts'
import {
  consensusDigest,
  isDigestSignature,
  signDigest,
  type AuthoritySignature,
  type Consensus,
  type SignedConsensus,
} from './consensus.ts'
import { findAuthority, roundsOf } from './rules.ts'
import { VoteExchange } from './vote-exchange.ts'
import type { SignedVote, VoteMessage } from './vote.ts'

type Taken =
  | { readonly ok: true; readonly send: readonly AuthorityMessage[] }
  | { readonly ok: false; readonly reason: string }

interface Closed {
  readonly send: readonly AuthorityMessage[]
  readonly equivocations: readonly (readonly [SignedVote, SignedVote])[]
}

/** What one authority goes through for one epoch: votes in rounds, then one consensus, then signatures until there are enough. */
export class EpochAgreement {
  readonly epoch: number
  readonly #keys: { readonly signingKey: Uint8Array; readonly signingSecretKey: Uint8Array }
  readonly #ground: Ground
  readonly #aggregate: (votes: readonly SignedVote[]) => AggregateOutcome
  readonly #exchange: VoteExchange
  /** By authority and digest: signatures may come before one has found the consensus oneself. */
  readonly #signatures = new Map<string, { readonly digest: Uint8Array; readonly signature: AuthoritySignature }>()
  #found: { readonly consensus: Consensus; readonly digest: Uint8Array } | undefined
  #isClosed = false

  constructor(
    keys: { readonly signingKey: Uint8Array; readonly signingSecretKey: Uint8Array },
    ground: Ground,
    aggregateVotes: (votes: readonly SignedVote[]) => AggregateOutcome,
  ) {
    const { signingKey, signingSecretKey: secretKey } = keys
    this.epoch = ground.epoch
    this.#keys = keys
    this.#ground = ground
    this.#aggregate = aggregateVotes
    this.#exchange = new VoteExchange(ground.trust, ground.epoch, { signingKey, secretKey })
  }

  static digestOf(consensus: Consensus | undefined): Uint8Array | undefined {
    return consensus && consensusDigest(consensus)
  }

  /** Takes one's own vote in, and gives the message that carries it. */
  vote(signed: SignedVote): VoteMessage {
    return this.#exchange.open(signed)
  }

  takeVote(message: VoteMessage, round: number): Taken {
    const taken = this.#exchange.take(message, round)
    return taken.ok ? { ok: true, send: [{ tag: 'vote', body: taken.relay }] } : taken
  }

  takeSignature(message: SignatureMessage): Taken {
    const { authority, digest, network, epoch } = message
    if (epoch !== this.epoch || !equalBytes(network, this.#ground.trust.network))
      return { ok: false, reason: 'of another epoch or network' }
    if (!findAuthority(this.#ground.trust, authority)) return { ok: false, reason: 'of no authority' }
    const signature = { authority, signature: message.signature }
    if (!isDigestSignature(digest, signature)) return { ok: false, reason: 'not genuine' }
    // One a head: a second signature for another digest changes nothing here.
    if (this.#signatures.has(toHex(authority))) return { ok: false, reason: 'known' }
    this.#signatures.set(toHex(authority), { digest, signature })
    return { ok: true, send: [] }
  }

  /**
   * Once all rounds are over: makes the consensus of the votes and signs it. `pin` remembers the digest durably and gives back
   * the first one pinned for the epoch; another one is never signed.
   */
  async close(round: number, pin: (digest: Uint8Array) => Promise<Uint8Array>): Promise<Closed> {
    // Alone, there is nobody to wait for.
    const isOver = round > roundsOf(this.#ground.trust) || this.#ground.trust.authorities.length === 1
    if (this.#isClosed || !isOver) return { send: [], equivocations: [] }
    this.#isClosed = true
    const equivocations = this.#exchange.equivocations()
    const outcome = this.#aggregate(this.#exchange.votes())
    if (!outcome.ok) return { send: [], equivocations }
    const digest = consensusDigest(outcome.consensus)
    if (!equalBytes(await pin(digest), digest)) return { send: [], equivocations }
    this.#found = { consensus: outcome.consensus, digest }
    return { send: [{ tag: 'signature', body: this.#sign(digest) }], equivocations }
  }

  /** The consensus, once enough authorities have signed it. */
  finished(): SignedConsensus | undefined {
    const found = this.#found
    if (!found) return undefined
    const signatures = [...this.#signatures.values()]
      .filter(({ digest }) => equalBytes(digest, found.digest))
      .map(({ signature }) => signature)
      .sort((a, b) => (toHex(a.authority) < toHex(b.authority) ? -1 : 1))
    if (signatures.length < this.#ground.trust.threshold) return undefined
    return { consensus: found.consensus, signatures }
  }

  #sign(digest: Uint8Array): SignatureMessage {
    const { signingKey: authority, signingSecretKey } = this.#keys
    const signature = signDigest(digest, signingSecretKey)
    this.#signatures.set(toHex(authority), { digest, signature: { authority, signature } })
    const { network } = this.#ground.trust
    return { kind: 'betanet.signature-message.v1', network, epoch: this.epoch, digest, authority, signature }
  }
}
