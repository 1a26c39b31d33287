import type { NetworkParameters } from '../directory/index.ts'
import { AnswerTimes } from './answer-times.ts'
import type { BetaNetClientOptions } from './client-options.ts'
import type { LoopTimes } from './loop-watch.ts'
import { erlangQuantile, HOLDING_HOPS, LATE_SHARE, pathDelay } from './path-delay.ts'

/** Loops that take longer than all but this share of them, and the slack, are lost. */
const LOOP_LOST_SHARE = 1e-6

type Slack = Pick<BetaNetClientOptions, 'delayClass' | 'slackMs' | 'loopSlackMs' | 'lateSlackMs'>

/** How long to wait for what: from the distribution that delays are drawn from, and what was seen of late. */
export class Timing {
  readonly answerTimes = new AnswerTimes()
  readonly #parameters: () => NetworkParameters | undefined
  readonly #slack: Slack

  /** `parameters`: the network's at the moment, if there is one. */
  constructor(parameters: () => NetworkParameters | undefined, slack: Slack) {
    this.#parameters = parameters
    this.#slack = slack
  }

  /** A way there, what the recipient holds an answer back, its turn to send, and the way back; or what it took of late. */
  timeoutMs(cover: 'covered' | 'uncovered'): number {
    const { slackMs, delayClass } = this.#slack
    const parameters = this.#parameters()
    if (!parameters) return 3 * slackMs
    const { oneWayMs, roundTripMs } = pathDelay(parameters, delayClass)
    // Of two links, each has half of the packets: its answer waits that much longer.
    const turnMs = cover === 'covered' ? 2 * parameters.clientSendMeanMs * -Math.log(LATE_SHARE) : 0
    return Math.max(roundTripMs + oneWayMs + turnMs + 3 * slackMs, this.answerTimes.leastTimeoutMs)
  }

  /** What was sent before a question comes no later than this after it. */
  holdAnswersMs(): number {
    const { slackMs, delayClass } = this.#slack
    const parameters = this.#parameters()
    return (parameters ? pathDelay(parameters, delayClass).oneWayMs : 0) + slackMs / 2
  }

  /** When a loop that leaves at `now` is late, and when it is lost. */
  loopTimes(parameters: NetworkParameters, now: number): LoopTimes {
    const { loopSlackMs, lateSlackMs, delayClass } = this.#slack
    const { meanMs, oneWayMs } = pathDelay(parameters, delayClass)
    const longestMs = erlangQuantile(HOLDING_HOPS, LOOP_LOST_SHARE) * (meanMs / HOLDING_HOPS)
    const lostMs = longestMs + loopSlackMs
    return { lateAt: now + Math.min(oneWayMs + lateSlackMs, lostMs), lostAt: now + lostMs }
  }
}
