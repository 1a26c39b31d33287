import { integer, list, object, oneOf, type Value } from '../codec.ts'
import { MAX_DELAY_CLASSES, MAX_MEAN_STEPS } from '../delay/index.ts'

/** Mixes are crossed in this order, one of each layer. */
export const LAYERS = [0, 1, 2] as const
export type Layer = (typeof LAYERS)[number]

const DAY_MS = 86_400_000

export const parametersCodec = object({
  /** By delay class: the mean time at each hop, in steps of 0.1 ms. */
  delayMeansSteps: list(integer(0, MAX_MEAN_STEPS), 1, MAX_DELAY_CLASSES),
  /** By size class: bytes of payload in a packet. */
  payloadBytes: list(integer(128, 65_536), 1, 4),
  /** Mean time between packets of a client, real or cover (Poisson). 0 is no cover. */
  clientSendMeanMs: integer(0, DAY_MS),
  /** Mean time between a client's loops to itself. */
  clientLoopMeanMs: integer(0, DAY_MS),
  /** Mean time between a mix's loops to itself. */
  mixLoopMeanMs: integer(0, DAY_MS),
  /** Seats in each layer; who has none is in reserve. */
  nodesPerLayer: integer(1, 256),
  /** Whether a path may cross two nodes of one operator where there are no others. */
  distinctOperators: oneOf('required', 'preferred'),
  vrfSuite: oneOf('tai', 'ell2'),
})

/** What the whole network does alike. Part of the consensus: a client with rates of its own would stand out. */
export type NetworkParameters = Value<typeof parametersCodec>

export const DEFAULT_PARAMETERS: NetworkParameters = {
  delayMeansSteps: [50, 500, 5_000],
  payloadBytes: [2_048, 532],
  clientSendMeanMs: 200,
  clientLoopMeanMs: 5_000,
  mixLoopMeanMs: 2_000,
  nodesPerLayer: 64,
  distinctOperators: 'preferred',
  vrfSuite: 'tai',
}
