import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Client,
  channelMessage,
  checkpointMessage,
  ApiError,
  enrolmentMessage,
  resultMessage,
} from '@fog/contract'
import { fromHex, isId, type NodeId, parseId, type Rng, toHex, utf8 } from '@fog/kernel'
import { keyPairFromSeed, SEED_BYTES, sha256, sign, wipe } from '@fog/kernel/node'
import { WorkerError } from './errors.ts'
import { writeFileAtomically } from './files.ts'

type ResultFacts = Omit<Parameters<typeof resultMessage>[0], 'nodeId'>

/** Who this device is: an Ed25519 key that never leaves its folder, and the node id a control plane gave it. */
export class Identity {
  readonly publicKeyHex: string
  readonly #file: string
  readonly #secretKey: Uint8Array
  #nodeId: NodeId | undefined

  private constructor(file: string, seed: Uint8Array, nodeId: NodeId | undefined) {
    const keys = keyPairFromSeed(seed)
    this.#file = file
    this.#secretKey = keys.secretKey
    this.#nodeId = nodeId
    this.publicKeyHex = toHex(keys.publicKey)
  }

  /** Reads the identity in `folder`, or makes one. The caller holds the folder's lock. Throws `worker.identity_unreadable`. */
  static open(folder: string, rng: Rng): Identity {
    const file = join(folder, 'identity.json')
    const kept = readIdentity(file)
    const seed = kept?.seed ?? rng.bytes(SEED_BYTES)
    const identity = new Identity(file, seed, kept?.nodeId)
    wipe(seed)
    if (!kept) identity.#save()
    return identity
  }

  get nodeId(): NodeId | undefined {
    return this.#nodeId
  }

  /** Hex. Opens the channel of this gateway, for this nonce. */
  signChannel(facts: { nonce: string; gatewayId: string; nodeId: string }): string {
    return this.#sign(channelMessage(facts))
  }

  /** Hex. Stands for a result of an attempt. */
  signResult(facts: ResultFacts, nodeId: NodeId): string {
    return this.#sign(resultMessage({ ...facts, nodeId }))
  }

  /** Hex. Stands for a checkpoint of an attempt. */
  signCheckpoint(facts: Omit<Parameters<typeof checkpointMessage>[0], 'nodeId'>, nodeId: NodeId): string {
    return this.#sign(checkpointMessage({ ...facts, nodeId }))
  }

  /** Enrols this device; the same key keeps the same node. Throws `worker.enrolment_refused`, or `Unreachable`. */
  async enrol(
    client: Client,
    facts: { joinToken: string; name: string; labels: Readonly<Record<string, string>> },
  ): Promise<NodeId> {
    const joinTokenDigest = toHex(sha256(utf8(facts.joinToken)))
    const signed = enrolmentMessage({ joinTokenDigest, publicKey: this.publicKeyHex, name: facts.name })
    const body = { ...facts, publicKey: this.publicKeyHex, signature: this.#sign(signed) }
    const answer = await client.call('enrolNode', { body }).catch((fault: unknown) => {
      if (!(fault instanceof ApiError) || isPassing(fault)) throw fault
      throw new WorkerError(
        { code: 'worker.enrolment_refused', url: client.baseUrl, why: fault.message },
        { cause: fault },
      )
    })
    this.#nodeId = parseId('node', answer.nodeId)
    this.#save()
    return this.#nodeId
  }

  #sign(message: Uint8Array): string {
    return toHex(sign(message, this.#secretKey))
  }

  #save(): void {
    // A secret key of libsodium is the seed, then the public key.
    const seed = toHex(this.#secretKey.subarray(0, SEED_BYTES))
    const text = JSON.stringify({ version: 1, seed, nodeId: this.#nodeId }, undefined, 2)
    writeFileAtomically(this.#file, `${text}\n`, 0o600)
  }
}

function readIdentity(file: string): { seed: Uint8Array; nodeId: NodeId | undefined } | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new WorkerError({ code: 'worker.identity_unreadable', file }, { cause: fault })
  }
  const { version, seed: seedHex, nodeId } = parseObject(text)
  const seed = typeof seedHex === 'string' ? fromHex(seedHex) : undefined
  const isNode = nodeId === undefined || (typeof nodeId === 'string' && isId('node', nodeId))
  if (version !== 1 || seed?.length !== SEED_BYTES || !isNode) {
    throw new WorkerError({ code: 'worker.identity_unreadable', file })
  }
  return { seed, nodeId }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Whether asking again later may be answered differently. */
function isPassing({ status }: ApiError): boolean {
  return status === 408 || status === 429 || status >= 500
}
