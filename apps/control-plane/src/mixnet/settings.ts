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
  /** Of the control plane's own address in the mixnet; undefined has none. */
  readonly entry?: EntrySettings | undefined
  /** Loops that the control plane that leads sends through the network to measure its nodes, at most; 0 measures nothing. */
  readonly probesPerMinute: number
}

/** Settings of the control plane's own way into the mixnet. */
export interface EntrySettings {
  /** Where its key is, or is made. */
  readonly keyFile: string
  /**
   * Mean time between its packets, where the network has cover at all and that is not shorter. Everybody knows that it is the
   * control plane, so it need not look like other clients; but its rate may not follow what it does.
   */
  readonly sendMeanMs: number
}
