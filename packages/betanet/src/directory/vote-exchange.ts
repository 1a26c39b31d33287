import { equalBytes, toHex } from '@fog/kernel'
import { roundsOf, type Trust } from './rules.ts'
import { countBackers, endorse, voteDigest, type SignedVote, type VoteMessage } from './vote.ts'

/** `late`: fewer authorities stand behind it than rounds are over. */
export type ExchangeOutcome =
  | { readonly ok: true; readonly relay: VoteMessage }
  | { readonly ok: false; readonly reason: 'known' | 'not_genuine' | 'late' | 'wrong_epoch' }

/**
 * Lets all honest authorities end with the same votes, whatever the others do: the broadcast of Dolev and Strong (1983). A vote
 * counts in round r only with r authorities behind it, and whoever takes it in passes it on with its own endorsement. So a vote
 * that one honest authority takes in the last round has an honest one behind it that already sent it to all. It takes one round
 * more than authorities may lie, and messages that arrive within a round.
 */
export class VoteExchange {
  readonly #trust: Trust
  readonly #epoch: number
  readonly #own: { readonly signingKey: Uint8Array; readonly secretKey: Uint8Array }
  /** By author; two are enough to show that it lies. */
  readonly #votes = new Map<string, SignedVote[]>()

  constructor(trust: Trust, epoch: number, own: { readonly signingKey: Uint8Array; readonly secretKey: Uint8Array }) {
    this.#trust = trust
    this.#epoch = epoch
    this.#own = own
  }

  /** Takes one's own vote in; the message goes to all others. */
  open(signed: SignedVote): VoteMessage {
    this.#votes.set(toHex(signed.vote.authority), [signed])
    return { kind: 'betanet.vote-message.v1', signed, endorsements: [] }
  }

  /** Takes a message in that arrived in `round`, counted from 1. What is to be relayed goes to all others. */
  take(message: VoteMessage, round: number): ExchangeOutcome {
    const { vote } = message.signed
    if (vote.epoch !== this.#epoch || !equalBytes(vote.network, this.#trust.network))
      return { ok: false, reason: 'wrong_epoch' }
    const known = this.#votes.get(toHex(vote.authority)) ?? []
    if (known.length === 2 || known.some((other) => equalBytes(voteDigest(other), voteDigest(message.signed))))
      return { ok: false, reason: 'known' }
    const backers = countBackers(this.#trust, message)
    if (backers === undefined) return { ok: false, reason: 'not_genuine' }
    if (round > roundsOf(this.#trust) || backers < round) return { ok: false, reason: 'late' }
    this.#votes.set(toHex(vote.authority), [...known, message.signed])
    return { ok: true, relay: endorse(message, this.#own.signingKey, this.#own.secretKey) }
  }

  /** The votes that count, in the order of their authors: of who sent two, none. */
  votes(): SignedVote[] {
    const single = [...this.#votes].filter(([, votes]) => votes.length === 1)
    return single.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, [vote]]) => vote!)
  }

  /** Pairs of different votes by one author. */
  equivocations(): (readonly [SignedVote, SignedVote])[] {
    return [...this.#votes.values()].flatMap(([a, b]) => (a && b ? [[a, b] as const] : []))
  }
}
