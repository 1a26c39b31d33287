/**
 * The form of a backup: a tar archive, compressed with zstd. `header.json` comes first and says what follows; then the tables as
 * COPY wrote them, cut into parts, `tables/jobs/000000`; then content, `blobs/<sha256>`; `manifest.json` comes last and
 * says what must have been there, so a file that was cut off cannot pass for whole.
 */
export const FORMAT = 1
export const HEADER = 'header.json'
export const MANIFEST = 'manifest.json'

/** A part of a table is held in memory as a whole. */
export const PART_BYTES = 4 * 2 ** 20

export interface Header {
  readonly format: number
  readonly madeAt: string
  readonly serverVersion: string
  /** The number of the last migration of the schema. */
  readonly migration: number
  /** In the order in which they can be filled. */
  readonly tables: readonly TableHeader[]
}

export interface TableHeader {
  readonly name: string
  readonly columns: readonly string[]
}

export interface Manifest {
  readonly tables: Readonly<Record<string, TableSum>>
  readonly blobs: { readonly count: number; readonly bytes: number }
  /** The feed's place when the backup was made. */
  readonly feedPlace: number
}

export interface TableSum {
  readonly rows: number
  readonly bytes: number
  /** SHA-256, hex, over the table as COPY wrote it. */
  readonly sha256: string
}

/** A table's name must come after all it refers to. Completeness is tested against the schema. */
export const TABLES_IN_ORDER = [
  'nodes',
  'reservations',
  'gateways',
  'jobs',
  'tasks',
  'attempts',
  'incidents',
  'run_histories',
  'fronts',
  'checkpoints',
  'state_files',
  'state_leftovers',
  'job_steps',
  'account_quotas',
  'schedules',
  'schedule_runs',
  'accounts',
  'transfers',
  'postings',
  'holds',
  'users',
  'sessions',
  'api_tokens',
  'join_tokens',
  'audit_entries',
  'kept_facts',
  'blobs',
  'blob_grants',
  'feed_origin',
  'mixnet_operators',
  'mixnet_nodes',
  'mixnet_descriptors',
  'mixnet_pins',
  'mixnet_consensuses',
  'mixnet_evidence',
  'mixnet_messages',
  'mixnet_reports',
  'events',
  'log_chunks',
  'leadership',
] as const

export function partName(table: string, part: number): string {
  return `tables/${table}/${String(part).padStart(6, '0')}`
}

/** Which table an entry is a part of, or which content it is. */
export function parseEntryName(name: string): { readonly table: string } | { readonly blob: string } | undefined {
  const table = /^tables\/([a-z_]+)\/\d{6}$/.exec(name)
  if (table) return { table: table[1]! }
  const blob = /^blobs\/([0-9a-f]{64})$/.exec(name)
  return blob ? { blob: blob[1]! } : undefined
}
