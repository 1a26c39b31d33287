import type { Database } from '../../ports.ts'

/** Opens an empty database; called for each test, closed by the suite. */
export type OpenDatabase = () => Promise<{ readonly database: Database; readonly close: () => Promise<void> }>
