import { SOCKET_PORT } from './socket-folder.ts'

export type ServerSettings = Readonly<Record<string, string>>

/**
 * For a small machine that also computes for others. Durability is left as strict as PostgreSQL has it: the ledger needs it.
 * Given on the command line, so that what runs is what this version of the platform means, whatever the data folder says.
 */
export function serverSettings(majorVersion: number, socketFolder: string, own: ServerSettings = {}): ServerSettings {
  return {
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    max_connections: '60',
    // Pages are taken as they are first used, so an idle fog does not pay for the whole.
    shared_buffers: '128MB',
    work_mem: '8MB',
    maintenance_work_mem: '64MB',
    effective_cache_size: '512MB',
    // It fits in memory, so a page somewhere else costs about what the next one does. With the default, made for disks, a
    // batch of a few hundred tasks would read whole tables rather than find its rows.
    random_page_cost: '1.1',
    // No replicas and no base backups of the embedded server, so the log need not carry what they read.
    wal_level: 'minimal',
    max_wal_senders: '0',
    wal_compression: 'pglz',
    max_wal_size: '512MB',
    max_worker_processes: '4',
    max_parallel_workers_per_gather: '0',
    max_logical_replication_workers: '0',
    // Compiling a query costs more than our short queries take.
    jit: 'off',
    // Job and lease rows change often; their dead versions must go soon.
    autovacuum_naptime: '15s',
    // The database fits in memory: processes that read ahead would only cost theirs.
    ...(majorVersion >= 18 && { io_method: 'sync' }),
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] %u@%d ',
    log_checkpoints: 'off',
    log_min_duration_statement: '2s',
    log_autovacuum_min_duration: '-1',
    ...own,
    listen_addresses: '',
    port: String(SOCKET_PORT),
    // A list, so a comma or a quote in the path needs the quotes.
    unix_socket_directories: `"${socketFolder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
  }
}

/** `-c name=value` for each. */
export function asArguments(settings: ServerSettings): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
