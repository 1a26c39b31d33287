import { assert, type DhKeyPair, isFogError, NoiseHandshake, type NoiseSuite, utf8 } from '@fog/kernel'

/**
 * What a packet carries for its recipient, and for nobody else: one message of the one-way pattern `Noise_X_25519_ChaChaPoly`
 * (The Noise Protocol Framework, revision 34, section 7.4), which fills the packet's payload:
 *
 *     ephemeral 32 | sender's key, sealed 48 | content and zeros, sealed
 *
 * The exit gateway sees as much of a fragment as of a loop: bytes without meaning. Each packet proves its sender, so nobody
 * can put a fragment of his own into the message of another.
 */
const PATTERN = 'X'
const PROLOGUE = utf8('fog betanet payload 1')
/** Ephemeral, static key and two tags. */
const SEAL_BYTES = 32 + 48 + 16

/** What is left of a packet's payload for its content. */
export function contentBytesOf(payloadBytes: number): number {
  return payloadBytes - SEAL_BYTES
}

export interface SealTo {
  readonly own: DhKeyPair
  /** 32 bytes: the recipient's key. */
  readonly to: Uint8Array
  readonly payloadBytes: number
}

/** The payload, full to its last byte; undefined when the recipient's key is no honest point. */
export function sealPayload(
  noise: NoiseSuite,
  { own, to, payloadBytes }: SealTo,
  content: Uint8Array,
): Uint8Array | undefined {
  const padded = new Uint8Array(contentBytesOf(payloadBytes))
  assert(content.length <= padded.length, 'a content fits into its packet')
  padded.set(content)
  const handshake = new NoiseHandshake(noise, {
    pattern: PATTERN,
    role: 'initiator',
    prologue: PROLOGUE,
    staticKeys: own,
    remoteStatic: to,
  })
  return orUndefined(() => {
    const sealed = handshake.write(padded)
    forget(handshake)
    return sealed
  })
}

/** Who sent the payload, proved, and its content with the zeros behind it; undefined when it is not genuine or not for this key. */
export function openPayload(
  noise: NoiseSuite,
  own: DhKeyPair,
  payload: Uint8Array,
): { readonly from: Uint8Array; readonly content: Uint8Array } | undefined {
  const handshake = new NoiseHandshake(noise, {
    pattern: PATTERN,
    role: 'responder',
    prologue: PROLOGUE,
    staticKeys: own,
  })
  return orUndefined(() => {
    const content = handshake.read(payload)
    const from = handshake.remoteStatic
    assert(from, 'the pattern X shows the sender’s key')
    forget(handshake)
    return { from, content }
  })
}

/** Nothing follows on the one message: the session's keys are wiped. */
function forget(handshake: NoiseHandshake): void {
  const { send, receive } = handshake.split()
  send.wipe()
  receive.wipe()
}

function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (fault) {
    if (isFogError(fault)) return undefined
    throw fault
  }
}
