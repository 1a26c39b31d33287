import type { NetworkParameters } from '@fog/betanet/directory'

/** Settings of the mixnet's directory. */
export interface MixnetSettings {
  /** Of a network this control plane is alone the authority of; a file of authorities names its own. */
  readonly epochMs: number
  readonly admission: 'registered' | 'anyone'
  readonly nodesPerAccount: number
  /** Where the authority's keys are, or are made. */
  readonly keysFile: string
  /** The authorities and when they began, where there are several. */
  readonly authoritiesFile: string | undefined
  readonly parameters: NetworkParameters
  /** How long consensuses and reports are kept. */
  readonly keptMs: number
}
