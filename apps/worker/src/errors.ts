import { FogError } from '@fog/kernel'

/** Why a worker cannot start or go on. Each says what the person has to do. */
export class WorkerError extends FogError<
  | { code: 'worker.folder_in_use'; folder: string }
  | { code: 'worker.identity_unreadable'; file: string }
  | { code: 'worker.spool_unreadable'; file: string; why: string }
  | { code: 'worker.join_token_missing'; url: string }
  | { code: 'worker.join_token_unreadable'; file: string }
  | { code: 'worker.enrolment_refused'; url: string; why: string }
  | { code: 'worker.refused'; why: string; todo: string }
  | { code: 'worker.no_runtime'; why: string }
  | { code: 'worker.reach_changed'; folder: string }
> {
  static override readonly texts = {
    'worker.folder_in_use': {
      says: 'Another worker is using {folder}.',
      fix: 'Stop it first, or give this one a folder of its own with FOG_WORKER_DIR.',
    },
    'worker.identity_unreadable': {
      says: 'The identity in {file} cannot be read.',
      fix: 'Restore the file from a backup, or move it away and enrol this device again.',
    },
    'worker.spool_unreadable': {
      says: 'The spool {file} cannot be used: {why}.',
      fix: 'Check the disk, then move the file away: results in it that were not delivered are computed again.',
    },
    'worker.join_token_missing': {
      says: 'This device is not enrolled at {url} yet.',
      fix: 'Make a join token there and give it as FOG_JOIN_TOKEN or in a file named by FOG_JOIN_TOKEN_FILE.',
    },
    'worker.join_token_unreadable': {
      says: 'The join token file {file} cannot be read.',
      fix: 'Check FOG_JOIN_TOKEN_FILE and the rights on that file.',
    },
    'worker.enrolment_refused': {
      says: '{url} did not enrol this device: {why}',
      fix: 'Make a new join token there and try again.',
    },
    'worker.refused': { says: 'The control plane refused this worker: {why}', fix: '{todo}' },
    'worker.reach_changed': {
      says: 'The device in {folder} is known through the mixnet only, and connecting directly would show which one it is.',
      fix: 'Start it with FOG_WORKER_REACH=mixnet; or give FOG_WORKER_DIR another folder and enrol it there as another device.',
    },
    'worker.no_runtime': {
      says: 'Tasks cannot be run on this device: {why}',
      fix: 'Check that Node 24 can start processes here, then start the worker again.',
    },
  }
}
