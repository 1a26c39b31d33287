import { equalBytes, toHex, type Clock } from '@fog/kernel'
import { DocumentError } from '../codec.ts'
import { aggregate, beaconPlace, type Ground } from './aggregate.ts'
import { encodeAuthorityMessage, parseAuthorityMessage, type AuthorityMessage } from './authority-message.ts'
import { contribute } from './beacon.ts'
import { MAX_NODES, signersOf, signedConsensusForm, type NodeMeasure, type SignedConsensus } from './consensus.ts'
import {
  isGenuineDescriptor,
  REVEAL_LAG,
  signedDescriptorForm,
  type Descriptor,
  type SignedDescriptor,
} from './descriptor.ts'
import type { DirectoryStore } from './directory-store.ts'
import { EpochAgreement } from './epoch-agreement.ts'
import { findNode, openReveal, RememberedReveals } from './reveal.ts'
import { checkRules, type DirectoryRules } from './rules.ts'
import { agreedEpochAt, epochAt, roundAt, uploadEpochAt } from './schedule.ts'
import { countBackers, signedVoteForm, signVote, type SignedVote, type VoteMessage } from './vote.ts'

export interface AuthorityKeys {
  readonly signingKey: Uint8Array
  /** 64 bytes, of Ed25519. */
  readonly signingSecretKey: Uint8Array
  /** 32 bytes. */
  readonly vrfSecretKey: Uint8Array
}

/** What the authority's own fog knows of nodes. */
export interface NodeRegistry {
  /** Whether the node may be in this network at all. */
  admits(descriptor: Descriptor): Promise<boolean>
  /** What it found out about each of these nodes, in their order. */
  measure(descriptors: readonly Descriptor[]): Promise<readonly NodeMeasure[]>
}

export interface AuthorityDependencies {
  readonly store: DirectoryStore
  readonly clock: Clock
  readonly keys: AuthorityKeys
  readonly registry: NodeRegistry
}

export type DescriptorOutcome =
  | { readonly ok: true; readonly epoch: number; readonly isNew: boolean }
  | {
      readonly ok: false
      readonly reason:
        | 'malformed'
        | 'wrong_network'
        | 'not_genuine'
        | 'wrong_epoch'
        | 'not_admitted'
        | 'superseded'
        | 'conflict'
        | 'full'
      readonly detail: string
    }

/** `send` goes to every other authority. */
export interface AuthorityStep {
  readonly send: readonly Uint8Array[]
  /** The consensus that has just become one. */
  readonly published?: SignedConsensus
}

export type MessageOutcome = ({ readonly ok: true } & AuthorityStep) | { readonly ok: false; readonly reason: string }

const NOTHING: AuthorityStep = { send: [] }
/** Epochs of descriptors and pins that are kept for inquiries. */
const KEPT_EPOCHS = 8

/**
 * One of the authorities of a network: takes descriptors in, and with the others makes a consensus of them before each epoch. It
 * opens no connection: the app hands it what arrives, calls `tick` about every second, and sends what it gives back.
 *
 * What it signs for an epoch is pinned in the store before it leaves, so that an authority that crashes does not contradict itself.
 */
export class Authority {
  readonly #store: DirectoryStore
  readonly #clock: Clock
  readonly #keys: AuthorityKeys
  readonly #registry: NodeRegistry
  readonly #rules: DirectoryRules
  readonly #reveals = new RememberedReveals()
  #agreement: EpochAgreement | undefined
  /** Votes of authorities whose clocks are ahead, until uploads close here too. */
  #early: readonly VoteMessage[] = []
  #past: SignedConsensus['consensus'] | undefined
  /** One thing at a time: a message must not come between a tick's reading and writing. */
  #last: Promise<unknown> = Promise.resolve()

  constructor({ store, clock, keys, registry }: AuthorityDependencies, rules: DirectoryRules) {
    checkRules(rules)
    this.#store = store
    this.#clock = clock
    this.#keys = keys
    this.#registry = registry
    this.#rules = rules
  }

  /** Takes a node's signed descriptor in. The same one again is welcome and changes nothing. */
  takeDescriptor(bytes: Uint8Array): Promise<DescriptorOutcome> {
    return this.#alone(() => this.#takeDescriptor(bytes))
  }

  /** Takes a message of another authority in. */
  takeMessage(bytes: Uint8Array): Promise<MessageOutcome> {
    return this.#alone(() => this.#takeMessage(bytes))
  }

  /** Does what is due now: votes when uploads close, signs when all votes are in. */
  tick(): Promise<AuthorityStep> {
    return this.#alone(() => this.#tick())
  }

  /** The newest consensus, signed, for whoever asks: it may be that of the next epoch. */
  newestConsensus(): Promise<Uint8Array | undefined> {
    return this.#store.findLastConsensus()
  }

  async #takeDescriptor(bytes: Uint8Array): Promise<DescriptorOutcome> {
    const signed = parsed(() => signedDescriptorForm.parse(bytes))
    if (typeof signed === 'string') return { ok: false, reason: 'malformed', detail: signed }
    const { descriptor } = signed
    const { network, schedule } = this.#rules
    const epoch = uploadEpochAt(schedule, this.#clock.now())
    if (!equalBytes(descriptor.network, network)) return refused('wrong_network', toHex(descriptor.network))
    if (descriptor.epoch !== epoch) return refused('wrong_epoch', `now for ${epoch}`)
    if (!isGenuineDescriptor(signed)) return refused('not_genuine', 'its signature or one of its keys')
    if (!(await this.#registry.admits(descriptor))) return refused('not_admitted', descriptor.operator)
    return this.#keepDescriptor(signed, bytes)
  }

  async #keepDescriptor(signed: SignedDescriptor, bytes: Uint8Array): Promise<DescriptorOutcome> {
    const { identityKey, epoch, revision } = signed.descriptor
    const nodeId = toHex(identityKey)
    const known = await this.#store.findDescriptor(epoch, nodeId)
    if (known) {
      if (equalBytes(known, bytes)) return { ok: true, epoch, isNew: false }
      const before = signedDescriptorForm.parse(known).descriptor.revision
      if (revision < before) return refused('superseded', `by revision ${before}`)
      if (revision === before) {
        await this.#store.addEvidence({ kind: 'descriptor', culprit: nodeId, epoch, first: known, second: bytes })
        return refused('conflict', `with another of revision ${before}`)
      }
    } else if ((await this.#store.countDescriptors(epoch)) >= MAX_NODES) return refused('full', `${MAX_NODES}`)
    await this.#store.putDescriptor(epoch, nodeId, bytes)
    await this.#checkRevealAhead(signed.descriptor)
    return { ok: true, epoch, isNew: true }
  }

  /** Reveals are checked as they come, not all at once when time is short. */
  async #checkRevealAhead({ identityKey, epoch, reveal }: Descriptor): Promise<void> {
    const revealed = await this.#consensusOf(epoch - REVEAL_LAG)
    const served = revealed && findNode(revealed, identityKey)
    if (served && reveal) openReveal(revealed, served, reveal, this.#reveals.check)
  }

  async #tick(): Promise<AuthorityStep> {
    const now = this.#clock.now()
    const epoch = agreedEpochAt(this.#rules.schedule, now)
    if (epoch === undefined) {
      this.#agreement = undefined
      return NOTHING
    }
    const opened = this.#agreement?.epoch === epoch ? [] : await this.#open(epoch)
    if (!this.#agreement) return NOTHING
    const closed = await this.#agreement.close(roundAt(this.#rules.schedule, epoch, now), (digest) =>
      this.#store.pinDigest(epoch, digest),
    )
    for (const [a, b] of closed.equivocations) {
      const culprit = toHex(a.vote.authority)
      const [first, second] = [signedVoteForm.encode(a), signedVoteForm.encode(b)]
      await this.#store.addEvidence({ kind: 'vote', culprit, epoch, first, second })
    }
    return this.#publish([...opened, ...closed.send])
  }

  /** Begins to agree on an epoch, unless there already is a consensus of it. */
  async #open(epoch: number): Promise<AuthorityMessage[]> {
    this.#agreement = undefined
    if (await this.#store.findConsensus(epoch)) return []
    const ground = await this.#groundOf(epoch)
    const agreement = new EpochAgreement(this.#keys, ground, (votes) => aggregate(ground, votes))
    this.#agreement = agreement
    this.#reveals.forgetBefore(epoch - REVEAL_LAG)
    await this.#store.forgetBefore(epoch - KEPT_EPOCHS)
    const signed = await this.#ownVote(ground)
    const own: AuthorityMessage[] = signed ? [{ tag: 'vote', body: agreement.vote(signed) }] : []
    const early = this.#early.map((message) => agreement.takeVote(message, 1))
    this.#early = []
    return [...own, ...early.flatMap((taken) => (taken.ok ? taken.send : []))]
  }

  /** Keeps a vote that came before its time. Two of each author are enough, as everywhere. */
  #keepEarly(message: VoteMessage): MessageOutcome {
    const { epoch, authority } = message.signed.vote
    const isNext = epoch === uploadEpochAt(this.#rules.schedule, this.#clock.now())
    const sameAuthor = this.#early.filter(({ signed }) => equalBytes(signed.vote.authority, authority))
    if (!isNext || sameAuthor.length >= 2 || countBackers(this.#rules, message) === undefined)
      return { ok: false, reason: 'nothing is being agreed on' }
    this.#early = [...this.#early, message]
    return { ok: true, send: [] }
  }

  async #groundOf(epoch: number): Promise<Ground> {
    const previous = await this.#store.findLastConsensus(epoch)
    return {
      trust: this.#rules,
      schedule: this.#rules.schedule,
      epoch,
      previous: previous && signedConsensusForm.parse(previous).consensus,
      revealed: await this.#consensusOf(epoch - REVEAL_LAG),
      checkReveal: this.#reveals.check,
    }
  }

  /** The vote made before a crash, or a new one; none when the others would take it for late. */
  async #ownVote(ground: Ground): Promise<SignedVote | undefined> {
    const pinned = await this.#store.findVote(ground.epoch)
    if (pinned) return signedVoteForm.parse(pinned)
    const round = roundAt(this.#rules.schedule, ground.epoch, this.#clock.now())
    if (round > 1 && this.#rules.authorities.length > 1) return undefined
    const vote = signVote(await this.#makeVote(ground), this.#keys.signingSecretKey)
    return signedVoteForm.parse(await this.#store.pinVote(ground.epoch, signedVoteForm.encode(vote)))
  }

  async #makeVote(ground: Ground): Promise<SignedVote['vote']> {
    const documents = await this.#store.listDescriptors(ground.epoch)
    const signed = documents.map((document) => signedDescriptorForm.parse(document))
    const measures = await this.#registry.measure(signed.map(({ descriptor }) => descriptor))
    return {
      kind: 'betanet.vote.v1',
      network: this.#rules.network,
      epoch: ground.epoch,
      authority: this.#keys.signingKey,
      previousDigest: EpochAgreement.digestOf(ground.previous),
      beaconProof: contribute(this.#keys.vrfSecretKey, beaconPlace(ground)),
      parameters: this.#rules.parameters,
      nodes: signed.flatMap((one, i) => (measures[i] ? [{ signed: one, measured: measures[i] }] : [])),
    }
  }

  async #takeMessage(bytes: Uint8Array): Promise<MessageOutcome> {
    const message = parsed(() => parseAuthorityMessage(bytes))
    if (typeof message === 'string') return { ok: false, reason: message }
    if (message.tag === 'consensus') return this.#adopt(message.body)
    // A message may arrive before our own first tick of its epoch.
    const begun = this.#agreement ? NOTHING : await this.#tick()
    if (!this.#agreement) {
      return message.tag === 'vote'
        ? this.#keepEarly(message.body)
        : { ok: false, reason: 'nothing is being agreed on' }
    }
    const round = roundAt(this.#rules.schedule, this.#agreement.epoch, this.#clock.now())
    const taken =
      message.tag === 'vote'
        ? this.#agreement.takeVote(message.body, round)
        : this.#agreement.takeSignature(message.body)
    if (!taken.ok) return begun.send.length > 0 ? { ok: true, ...begun } : taken
    const step = await this.#publish(taken.send)
    return { ok: true, ...step, send: [...begun.send, ...step.send] }
  }

  /** A consensus that others made while this authority was away. */
  async #adopt(signed: SignedConsensus): Promise<MessageOutcome> {
    const { consensus } = signed
    const signers = signersOf(
      signed,
      this.#rules.authorities.map(({ signingKey }) => signingKey),
    )
    if (!equalBytes(consensus.network, this.#rules.network)) return { ok: false, reason: 'another network' }
    if (signers.size < this.#rules.threshold) return { ok: false, reason: 'too few signatures' }
    if (consensus.epoch > epochAt(this.#rules.schedule, this.#clock.now()) + 1)
      return { ok: false, reason: 'ahead of time' }
    const added = await this.#store.addConsensus(consensus.epoch, signedConsensusForm.encode(signed))
    if (this.#agreement?.epoch === consensus.epoch) this.#agreement = undefined
    return { ok: true, send: [], ...(added === 'added' ? { published: signed } : {}) }
  }

  async #publish(messages: readonly AuthorityMessage[]): Promise<AuthorityStep> {
    const signed = this.#agreement?.finished()
    if (!signed) return { send: messages.map(encodeAuthorityMessage) }
    const added = await this.#store.addConsensus(signed.consensus.epoch, signedConsensusForm.encode(signed))
    if (added === 'exists') return { send: messages.map(encodeAuthorityMessage) }
    const all: readonly AuthorityMessage[] = [...messages, { tag: 'consensus', body: signed }]
    return { send: all.map(encodeAuthorityMessage), published: signed }
  }

  /** Of an epoch that is over, whose consensus stays what it is: each descriptor that reveals asks for it again. */
  async #consensusOf(epoch: number): Promise<SignedConsensus['consensus'] | undefined> {
    if (this.#past?.epoch === epoch) return this.#past
    const bytes = epoch < 1 ? undefined : await this.#store.findConsensus(epoch)
    const consensus = bytes && signedConsensusForm.parse(bytes).consensus
    this.#past = consensus ?? this.#past
    return consensus
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}

/** What was parsed, or what is wrong with it. */
function parsed<T extends object>(parse: () => T): T | string {
  try {
    return parse()
  } catch (fault) {
    if (fault instanceof DocumentError) return fault.message
    throw fault
  }
}

function refused(reason: Extract<DescriptorOutcome, { ok: false }>['reason'], detail: string): DescriptorOutcome {
  return { ok: false, reason, detail }
}
