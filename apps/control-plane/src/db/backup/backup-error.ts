import { FogError } from '@fog/kernel'

/** Why a backup could not be made or brought back. */
export class BackupError extends FogError<
  | { code: 'backup.file_exists'; file: string }
  | { code: 'backup.nothing_there' }
  | { code: 'backup.not_a_backup'; file: string }
  | { code: 'backup.damaged'; what: string }
  | { code: 'backup.target_not_empty'; table: string }
  | { code: 'backup.newer_than_code'; found: number; known: number }
  | { code: 'backup.content_missing'; digest: string }
  | { code: 'backup.books_wrong'; says: string }
> {
  static override readonly texts = {
    'backup.file_exists': {
      says: 'There is a file {file} already.',
      fix: 'Give another name, or move that one away.',
    },
    'backup.nothing_there': {
      says: 'There is no fog in this folder or database.',
      fix: 'Point FOG_DATA_DIR, or DATABASE_URL, to the one to back up.',
    },
    'backup.not_a_backup': {
      says: '{file} is not a backup of this platform.',
      fix: 'Give a file made by `fog backup`.',
    },
    'backup.damaged': {
      says: 'The backup is damaged: {what}. Nothing was changed.',
      fix: 'Fetch the file again from where it was kept, or use another backup.',
    },
    'backup.target_not_empty': {
      says: 'The database to restore into is in use: its table {table} holds rows. Nothing was changed.',
      fix: 'Restore into a new folder (FOG_DATA_DIR) or an empty database (DATABASE_URL), while no control plane runs on it.',
    },
    'backup.newer_than_code': {
      says: 'The backup has schema {found}, and this version knows up to {known}.',
      fix: 'Restore it with the version that made it, or a newer one.',
    },
    'backup.content_missing': {
      says: 'The content {digest} is listed, but not in the folder of blobs.',
      fix: 'See that the folder of blobs is the one this database belongs to.',
    },
    'backup.books_wrong': {
      says: 'The restored ledger does not add up: {says} Nothing was changed.',
      fix: 'Use another backup, and report this: the books were wrong when it was made.',
    },
  }
}
