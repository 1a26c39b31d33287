import { FogError } from '@fog/kernel'

type Facts =
  | { code: 'mix.setting_invalid'; name: string; text: string; wants: string }
  | { code: 'mix.setting_unknown'; name: string; file: string; known: string }
  | { code: 'mix.config_unreadable'; file: string; why: string }
  | { code: 'mix.command_unknown'; command: string }
  | { code: 'mix.folder_in_use'; folder: string }
  | { code: 'mix.folder_unusable'; folder: string; why: string }
  | { code: 'mix.keys_unreadable'; file: string; why: string }
  | { code: 'mix.pin_unreadable'; file: string; why: string }
  | { code: 'mix.network_changed'; url: string; pinned: string; found: string; file: string }
  | { code: 'mix.network_not_wanted'; url: string; wanted: string; found: string }
  | { code: 'mix.network_unsound'; url: string; why: string }
  | { code: 'mix.join_token_missing'; url: string; identityKey: string }
  | { code: 'mix.join_token_unreadable'; file: string }
  | { code: 'mix.join_refused'; url: string; why: string }
  | { code: 'mix.not_listening'; address: string; why: string }
  | { code: 'mix.admin_not_listening'; address: string; why: string }
  | { code: 'mix.node_failed'; why: string }
  | { code: 'mix.no_consensus'; url: string; seconds: number }
  | { code: 'mix.no_gateway'; seconds: number }
  | { code: 'mix.no_entry'; url: string; seconds: number }
  | { code: 'mix.entry_changed'; url: string; pinned: string; found: string; file: string }
  | { code: 'mix.entry_silent'; entry: string; seconds: number; why: string }
  | { code: 'mix.tunnel_not_listening'; address: string; why: string }
  | { code: 'mix.message_unsent'; peer: string; why: string }
  | { code: 'mix.directory_silent'; url: string; why: string }

/** Why a program of the mixnet cannot start or go on. Each says what the person has to do. */
export class MixError extends FogError<Facts> {
  static override readonly texts = {
    'mix.setting_invalid': { says: 'The setting {name} is "{text}".', fix: 'It wants {wants}.' },
    'mix.setting_unknown': { says: '{file} has the setting "{name}", which nobody reads.', fix: 'There are {known}.' },
    'mix.config_unreadable': {
      says: 'The configuration {file} cannot be read: {why}.',
      fix: 'It is one YAML or JSON object; docs/mixnet.md shows one.',
    },
    'mix.command_unknown': {
      says: '"{command}" is nothing this program does.',
      fix: 'It does run, audit, tunnel, send, inbox and address.',
    },
    'mix.folder_in_use': {
      says: 'Another program is using {folder}.',
      fix: 'Stop it first, or give this one a folder of its own.',
    },
    'mix.folder_unusable': {
      says: 'The folder {folder} cannot be used: {why}.',
      fix: 'Check its rights and the disk.',
    },
    'mix.keys_unreadable': {
      says: 'The keys in {file} cannot be read: {why}.',
      fix: 'Restore the file from a backup, or move it away and join again as a new node.',
    },
    'mix.pin_unreadable': {
      says: 'The pinned network in {file} cannot be read: {why}.',
      fix: 'Restore the file, or remove it to pin the network anew: only when you know that it is the right one.',
    },
    'mix.network_changed': {
      says: '{url} speaks for the network {found}, and {pinned} is pinned here.',
      fix: 'Somebody may be lying to you: ask its operator. If the network was really made anew, remove {file}.',
    },
    'mix.network_not_wanted': {
      says: '{url} speaks for the network {found}, not for {wanted}, which the configuration names.',
      fix: 'Check the address, and the setting network.',
    },
    'mix.network_unsound': {
      says: '{url} tells rules that nobody may follow: {why}.',
      fix: 'Its operator has to mend them, or update the program here.',
    },
    'mix.join_token_missing': {
      says: 'The node {identityKey} is not admitted at {url} yet.',
      fix: 'Make a join token there with `fog token join`, and give it as FOG_JOIN_TOKEN or in a file named by FOG_JOIN_TOKEN_FILE.',
    },
    'mix.join_token_unreadable': {
      says: 'The join token file {file} cannot be read.',
      fix: 'Check FOG_JOIN_TOKEN_FILE and the rights on that file.',
    },
    'mix.join_refused': {
      says: '{url} did not admit this node: {why}',
      fix: 'Make a new join token there and try again.',
    },
    'mix.not_listening': {
      says: 'The node cannot listen on {address}: {why}.',
      fix: 'Stop what uses its ports, or choose others with FOG_MIX_PORT.',
    },
    'mix.admin_not_listening': {
      says: 'The status cannot be served on {address}: {why}.',
      fix: 'Choose another place with FOG_MIX_ADMIN, or off.',
    },
    'mix.node_failed': { says: 'The node cannot go on: {why}.', fix: 'Start it again; its log says what came before.' },
    'mix.no_consensus': {
      says: '{url} had no consensus that counts within {seconds} seconds.',
      fix: 'A new network has its first after half an epoch, and places for nodes an epoch later. Compare the clocks, too.',
    },
    'mix.no_gateway': {
      says: 'No gateway could be reached within {seconds} seconds.',
      fix: 'See with `fog mix topology` whether there are any, and whether their addresses can be reached from here.',
    },
    'mix.no_entry': {
      says: '{url} told no address of its own in the mixnet within {seconds} seconds.',
      fix: 'It has one once the network has a gateway and a mix in each layer, unless it runs with FOG_MIXNET_ENTRY=off.',
    },
    'mix.entry_changed': {
      says: '{url} tells the address {found} in the mixnet, and {pinned} is pinned here.',
      fix: 'Somebody may be lying to you: ask its operator. If its key was really made anew, remove {file}.',
    },
    'mix.entry_silent': {
      says: 'The control plane did not answer at {entry} through the mixnet within {seconds} seconds: {why}',
      fix: 'See that it runs, and with `fog mix status` how the network fares; then try again.',
    },
    'mix.tunnel_not_listening': {
      says: 'The tunnel cannot listen on {address}: {why}.',
      fix: 'Choose another port, or 0 for any free one.',
    },
    'mix.message_unsent': {
      says: 'The message to {peer} was not acknowledged: {why}',
      fix: 'Its inbox has to be there or come back soon. It may have arrived all the same.',
    },
    'mix.directory_silent': { says: '{url} did not answer: {why}', fix: 'Check the address, and that it is running.' },
  }
}

/** What went wrong, in the words of whoever threw it. */
export function whyOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault)
}
