import { FogError } from '../errors.ts'

/** Why a handshake or a session came to nothing. Says which check failed to this side only; the peer is told nothing. */
export class NoiseError extends FogError<
  | { code: 'noise.unknown_pattern'; name: string }
  | { code: 'noise.key_missing'; key: string; pattern: string }
  | { code: 'noise.out_of_turn'; step: string }
  | { code: 'noise.message_invalid'; pattern: string }
  | { code: 'noise.message_too_long'; bytes: number; most: number }
  | { code: 'noise.nonces_used_up' }
> {
  static override readonly texts = {
    'noise.unknown_pattern': {
      says: 'There is no Noise handshake pattern {name}.',
      fix: 'Use a fundamental pattern such as XX, XK or IK, with psk modifiers if wanted.',
    },
    'noise.key_missing': {
      says: 'The handshake {pattern} needs the key {key}, which was not given.',
      fix: 'Give the key when the handshake is made.',
    },
    'noise.out_of_turn': {
      says: 'The handshake was asked to {step} out of its turn.',
      fix: 'Write and read handshake messages by turns, and send data only once it is complete.',
    },
    'noise.message_invalid': {
      says: 'A message of the handshake or session {pattern} is not genuine, or was cut off.',
      fix: 'Drop the connection; the peer has another key, or someone changed the bytes.',
    },
    'noise.message_too_long': {
      says: 'A Noise message of {bytes} bytes exceeds {most}.',
      fix: 'Send less in one message.',
    },
    'noise.nonces_used_up': {
      says: 'All nonces of this session key are used up.',
      fix: 'Rekey or open a new session.',
    },
  }
}
