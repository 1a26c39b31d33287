import { assert, toHex } from '@fog/kernel'
import { MAX_AUTHORITIES } from './consensus.ts'
import type { NetworkParameters } from './parameters.ts'
import { checkSchedule, type Schedule } from './schedule.ts'

/** An authority as everyone pins it. Both keys have 32 bytes. */
export interface AuthorityIdentity {
  /** Ed25519; also its id. */
  readonly signingKey: Uint8Array
  readonly vrfKey: Uint8Array
}

/** Whose word counts, and how many of them it takes. */
export interface Trust {
  /** 32 bytes that name the network: documents of one are none of another. */
  readonly network: Uint8Array
  readonly authorities: readonly AuthorityIdentity[]
  readonly threshold: number
}

/** What all authorities of a network are configured with alike. */
export interface DirectoryRules extends Trust {
  readonly schedule: Schedule
  /** What this authority votes for. */
  readonly parameters: NetworkParameters
}

/** As many may lie or be silent as the threshold leaves over; to agree on everyone's vote takes one round more than that. */
export function roundsOf({ authorities, threshold }: Trust): number {
  return authorities.length - threshold + 1
}

/** Refuses a trust in which two halves could each agree on something else, or one authority counts twice. */
export function checkTrust({ authorities, threshold, network }: Trust): void {
  const ids = new Set(authorities.map(({ signingKey }) => toHex(signingKey)))
  assert(network.length === 32, 'a network is named by 32 bytes')
  assert(ids.size === authorities.length && ids.size <= MAX_AUTHORITIES, 'authorities are distinct, and 16 at most')
  assert(threshold > ids.size / 2 && threshold <= ids.size, 'a threshold is more than half of the authorities')
}

export function checkRules(rules: DirectoryRules): void {
  checkTrust(rules)
  checkSchedule(rules.schedule, roundsOf(rules))
}

/** The authority of this id. */
export function findAuthority({ authorities }: Trust, id: Uint8Array): AuthorityIdentity | undefined {
  return authorities.find(({ signingKey }) => toHex(signingKey) === toHex(id))
}
