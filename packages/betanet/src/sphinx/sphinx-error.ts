import { type ErrorTexts, FogError } from '@fog/kernel'

/** Why a hop drops a packet. For the node's own counters only: whoever sent it sees nothing but silence. */
export type DropReason =
  | 'length_wrong'
  | 'version_unknown'
  | 'point_refused'
  | 'header_forged'
  | 'commands_invalid'
  | 'payload_broken'

export type SphinxFacts =
  | { code: `sphinx.${DropReason}`; suite: string }
  | { code: 'sphinx.path_invalid'; suite: string; reason: string }
  | { code: 'sphinx.payload_too_long'; suite: string; bytes: number; mostBytes: number }
  | { code: 'sphinx.surb_invalid'; suite: string; bytes: number }
  | { code: 'sphinx.surb_used'; suite: string }
  | { code: 'sphinx.key_invalid'; suite: string; bytes: number }

/** What is wrong with a packet, a path or a reply block. */
export class SphinxError extends FogError<SphinxFacts> {
  static override readonly texts: ErrorTexts<SphinxFacts['code']> = {
    'sphinx.length_wrong': {
      says: 'This is no packet of {suite}: its length is another.',
      fix: 'Every packet of a suite has one length; check which suite both sides use.',
    },
    'sphinx.version_unknown': {
      says: 'The packet’s version is not one of {suite}.',
      fix: 'Update the older of the two sides.',
    },
    'sphinx.point_refused': {
      says: 'The packet’s public point is of low order or not canonical.',
      fix: 'No honest sender makes one; drop the packet.',
    },
    'sphinx.header_forged': {
      says: 'The packet’s header was changed on its way or is meant for another key.',
      fix: 'Drop it; if it happens often, check that the sender has this epoch’s directory.',
    },
    'sphinx.commands_invalid': {
      says: 'The packet’s routing commands make no sense.',
      fix: 'Drop it; its sender does not follow {suite}.',
    },
    'sphinx.payload_broken': {
      says: 'The payload was changed on its way.',
      fix: 'Drop it; the sender will send again when no acknowledgement comes.',
    },
    'sphinx.path_invalid': {
      says: 'No {suite} packet can take this path: {reason}.',
      fix: 'Choose the path anew from the directory.',
    },
    'sphinx.payload_too_long': {
      says: '{bytes} bytes do not fit into one {suite} packet, which takes {mostBytes}.',
      fix: 'Split the message into fragments first.',
    },
    'sphinx.surb_invalid': {
      says: 'These {bytes} bytes are no reply block, or no keys of one, of {suite}.',
      fix: 'Ask the other side for a new one.',
    },
    'sphinx.surb_used': {
      says: 'The reply block was used before.',
      fix: 'A reply block works once; ask for a new one.',
    },
    'sphinx.key_invalid': {
      says: 'A key of {suite} has 32 bytes, not {bytes}.',
      fix: 'Hand in the raw X25519 key.',
    },
  }
}
