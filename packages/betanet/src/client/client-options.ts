import type { EmissionOptions } from './emission.ts'

/** What a client does, and how much of anything it takes on. */
export interface BetaNetClientOptions extends EmissionOptions {
  /** Which of the consensus's delay means packets ask for. */
  readonly delayClass: number
  readonly mostMessageBytes: number
  /** Messages on their way at once, and their bytes together. */
  readonly mostOutgoing: number
  readonly mostOutgoingBytes: number
  /** Answers that wait to be sent. */
  readonly mostAnswers: number
  /** So often in a row nothing new arrives until a recipient is given up. */
  readonly mostStalls: number
  /** What networks, queues and busy machines add to a packet's delays on its way. */
  readonly slackMs: number
  /** The same for loops, which are counted lost only when they surely are. */
  readonly loopSlackMs: number
  /** The same for loops, which are counted late when they take longer than nearly all of them. */
  readonly lateSlackMs: number
  /** How old a message may be when its last packet comes; its sender gives up after half of that. */
  readonly mostAgeMs: number
  /** How far clocks may be apart. */
  readonly maxSkewMs: number
  /** Unfinished messages of others at once, and their bytes together. */
  readonly mostUnfinished: number
  readonly mostUnfinishedBytes: number
  /** Messages remembered, so that none is taken twice. */
  readonly mostRemembered: number
}

export const DEFAULT_CLIENT_OPTIONS: BetaNetClientOptions = {
  cover: 'consensus',
  mostPacketsPerSecond: 500,
  delayClass: 0,
  mostMessageBytes: 1024 * 1024,
  mostOutgoing: 256,
  mostOutgoingBytes: 16 * 1024 * 1024,
  mostAnswers: 1_024,
  mostStalls: 5,
  slackMs: 200,
  loopSlackMs: 5_000,
  lateSlackMs: 500,
  mostAgeMs: 30 * 60_000,
  maxSkewMs: 60_000,
  mostUnfinished: 256,
  mostUnfinishedBytes: 16 * 1024 * 1024,
  mostRemembered: 65_536,
}
