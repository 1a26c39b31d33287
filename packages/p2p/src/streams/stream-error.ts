import { FogError } from '@fog/kernel'

/** Why a stream ended before its end. */
export class StreamError extends FogError<
  | { code: 'streams.reset'; peer: string; why: string }
  | { code: 'streams.peer_lost'; peer: string; why: string }
  | { code: 'streams.idle'; peer: string; seconds: number }
  | { code: 'streams.violated'; peer: string; what: string }
  | { code: 'streams.too_many'; most: number; of: string }
  | { code: 'streams.closed' }
> {
  static override readonly texts = {
    'streams.reset': {
      says: 'The other end {peer} broke the stream off: {why}.',
      fix: 'Open another one; what was asked for may have been done or not.',
    },
    'streams.peer_lost': {
      says: 'Nothing more reaches the other end {peer} of the stream: {why}',
      fix: 'Check that it is up and in the same network, then open another stream.',
    },
    'streams.idle': {
      says: 'Nothing came or went on the stream with {peer} for {seconds} s, so it was ended.',
      fix: 'Open another one. What has long pauses should say something now and then.',
    },
    'streams.violated': {
      says: 'The other end {peer} broke the rules of streams: {what}.',
      fix: 'Bring both ends to the same version; if they are, this is a fault or an attack.',
    },
    'streams.too_many': {
      says: 'There are {most} {of} already, which is as many as there may be.',
      fix: 'End some, or wait until others do.',
    },
    'streams.closed': {
      says: 'Streams are closed at this end.',
      fix: 'Start it again before opening one.',
    },
  }
}
