import { toHex } from '@fog/kernel'
import type { Logger } from 'pino'
import { keyFingerprint, type PinEvent } from './network-pin.ts'

/** Says what became of pinning a network: whoever runs it compares the fingerprint. */
export function tellPin(log: Logger, event: PinEvent): void {
  if (event.type === 'unreachable') {
    const { why, isKnown } = event
    return log.warn(
      { why },
      isKnown ? 'the directory does not answer: going on with the pinned network' : 'waiting for a directory',
    )
  }
  const { rules, fingerprint } = event
  const authorities = rules.authorities.map(({ signingKey }) => keyFingerprint(signingKey))
  const facts = { fingerprint, network: toHex(rules.network), threshold: rules.threshold, authorities }
  log.warn(facts, 'this network is pinned from now on: compare the fingerprint with what its operator tells')
}
