/** How much of anything streams take on. */
export interface StreamOptions {
  /** With one peer, and with all together. */
  readonly mostStreamsPerPeer: number
  readonly mostStreams: number
  /** Bytes that one stream's other end may have sent and nobody read yet, when there is room. */
  readonly windowBytes: number
  /** The same for all streams together: promised, whether they come or not. */
  readonly mostBufferedBytes: number
  /** Bytes of one stream that wait to be sent, beyond which `write` waits. */
  readonly mostUnsentBytes: number
  /** Frames of one stream that are on their way at once. */
  readonly mostInFlight: number
  /** Packets of the transport that one frame fills at most; where there are none, kibibytes. */
  readonly mostFramePackets: number
  /** Pieces of one stream that wait for one before them. */
  readonly mostScattered: number
  /** How often a frame is handed to the transport that says it did not arrive. */
  readonly mostTries: number
  readonly retryMs: number
  /** A stream on which no byte came or went for so long is ended. */
  readonly mostIdleMs: number
  /** When nothing was heard of a stream for so long the other end is asked whether it is there. */
  readonly probeMs: number
  /** Peers' sessions remembered, so that no stream is opened twice by what somebody kept. */
  readonly mostSessions: number
}

export const DEFAULT_STREAM_OPTIONS: StreamOptions = {
  mostStreamsPerPeer: 64,
  mostStreams: 512,
  windowBytes: 256 * 1024,
  mostBufferedBytes: 64 * 1024 * 1024,
  mostUnsentBytes: 64 * 1024,
  mostInFlight: 4,
  mostFramePackets: 16,
  mostScattered: 64,
  mostTries: 3,
  retryMs: 250,
  mostIdleMs: 10 * 60_000,
  probeMs: 60_000,
  mostSessions: 4_096,
}

/** What may be sent on a stream before the other end said how much it takes. Part of the protocol. */
export const FIRST_WINDOW_BYTES = 64 * 1024
