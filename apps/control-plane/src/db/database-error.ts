import { FogError } from '@fog/kernel'

/** Faults of the store itself. */
export class DatabaseError extends FogError<
  | { code: 'database.newer_than_code'; found: number; known: number }
  | { code: 'database.migration_changed'; number: number; name: string }
  | { code: 'database.migration_failed'; number: number; name: string; reason: string }
  | { code: 'database.server_version'; have: string; need: number }
  | { code: 'database.unreachable'; reason: string }
  | { code: 'database.outcome_unknown' }
  | { code: 'database.closed' }
> {
  static override readonly texts = {
    'database.newer_than_code': {
      says: 'The database has schema {found}, and this version knows up to {known}.',
      fix: 'Start the newer version again, or restore a backup made with this one.',
    },
    'database.migration_changed': {
      says: 'Migration {number} ({name}) is not the one that this database was made with.',
      fix: 'Use an unchanged release: migrations that ran are never edited.',
    },
    'database.migration_failed': {
      says: 'Migration {number} ({name}) failed and was taken back: {reason}',
      fix: 'The database is as it was. See that its user may create tables, and try again.',
    },
    'database.server_version': {
      says: 'The database server is PostgreSQL {have}; {need} or newer is needed.',
      fix: 'Point DATABASE_URL to a newer server.',
    },
    'database.unreachable': {
      says: 'The database does not answer: {reason}.',
      fix: 'See that it runs and that DATABASE_URL is right; the platform goes on by itself once it answers.',
    },
    'database.outcome_unknown': {
      says: 'The connection to the database was lost while a change was being made final, so nobody can tell whether it was.',
      fix: 'Look whether it happened before doing it again.',
    },
    'database.closed': {
      says: 'The database was closed.',
      fix: 'Start the platform again.',
    },
  }
}
